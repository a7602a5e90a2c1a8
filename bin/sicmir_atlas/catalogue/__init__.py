"""Samplesheets of many public datasets: written, checked and merged."""
