#!/opt/sicmir-atlas/bin/python
"""Import what the steps import and the modules named besides; print versions."""

import os
import platform
import shutil
import sys
import tempfile
from importlib import import_module
from importlib.metadata import packages_distributions, version

MODULES = (
    "anndata",
    "cellxgene_ontology_guide",
    "cyclopts",
    "duckdb",
    "fsspec",
    "h5py",
    "httpx",
    "igraph",
    "jinja2",
    "jsonschema",
    "markupsafe",
    "numpy",
    "pandas",
    "pyarrow",
    "pyarrow.parquet",
    "rich",
    "safetensors",
    "scipy.sparse",
    "sklearn",
    "threadpoolctl",
    "yaml",
)

print(f"Python {platform.python_version()}, user {os.getuid()}")
if not shutil.which("ps"):
    sys.exit("smoke-test: no ps, which Nextflow's trace needs: install procps into the base")
home = tempfile.TemporaryDirectory()
os.environ["HOME"] = home.name  # where some write on import
distributions = packages_distributions()
for name in (*MODULES, *sys.argv[1:]):
    import_module(name)
    if "." not in name:
        (distribution, *_) = distributions[name]
        print(distribution, version(distribution))
