"""Processes that outlive a page: trainings, downloads, experiments; their queue. No Streamlit."""
