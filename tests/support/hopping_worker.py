"""The product's Celery application with one task more, for the test that hops between organizations.

celery -A tests.support.hopping_worker worker ...
"""

from config.celery import app

TASK = "tests.hop"

app.autodiscover_tasks(["tests.support"], related_name="hopping_tasks")
