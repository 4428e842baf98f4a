"""The two committed OpenAPI documents; a change of the API shows as a change of these files."""
