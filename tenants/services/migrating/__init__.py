"""The wave migrator: brings the schemas of thousands of tenants to the code's level, or back.

chart      the code's tenant migrations in order, and where a schema stands among them
recording  Django's schema editor that writes down what it executes
message    one tenant's migration as one message to the database
stepwise   migrations that cannot be one transaction
schemas    takes one schema from where it stands to where it shall
options    what a run is told
runs       the row of a run: who holds it, its heartbeat, its end
waves      canaries first, then growing waves
crew       the threads that work on a wave
migrator   a run from its begin to its end
"""
