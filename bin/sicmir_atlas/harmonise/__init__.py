"""The studies' own words to terms of shared ontologies, and terms to broad groups."""
