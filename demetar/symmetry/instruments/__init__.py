"""What says more than Δ_EQ does, one file each: verdict, spectrum, derivatives, repeatability."""
