"""The atlas folder: its schema, its writers, its proof, its queries."""
