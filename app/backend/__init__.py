"""What the pages ask of the library, as plain values; `cached` alone knows Streamlit."""
