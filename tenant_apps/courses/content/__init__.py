"""Course content without a database: cleaning, embeds, course folders and content hashes.

Nothing here knows models, tenants or HTTP, so the same rules serve the API, the import command and tests.
"""
