"""Pooling, scaling, weights, inference and training: landmarks in, miRNAs out.

Nothing here knows of files of single cells, ontologies or tables.
"""
