"""The tables of the bare reference, in a schema of their own beside the product's."""

import psycopg

LEARNERS = 1_000
_TABLES = f"""
    DROP SCHEMA IF EXISTS bare CASCADE;
    CREATE SCHEMA bare;
    CREATE TABLE bare.bare_learner (id bigint PRIMARY KEY, name varchar(100) NOT NULL);
    CREATE TABLE bare.bare_course (
        id bigint PRIMARY KEY, title varchar(200) NOT NULL, summary varchar(1000) NOT NULL,
        lesson_count integer NOT NULL);
    CREATE TABLE bare.bare_enrollment (
        id bigint PRIMARY KEY, learner_id bigint NOT NULL REFERENCES bare.bare_learner,
        course_id bigint NOT NULL REFERENCES bare.bare_course, completed_count integer NOT NULL,
        started_at timestamptz NOT NULL);
    CREATE INDEX ON bare.bare_enrollment (learner_id);
    INSERT INTO bare.bare_learner SELECT n, 'Learner ' || n FROM generate_series(1, {LEARNERS}) n;
    INSERT INTO bare.bare_course
        SELECT n, 'Course number ' || n, repeat('What it is about. ', 8), 100 FROM generate_series(1, 20) n;
    INSERT INTO bare.bare_enrollment
        SELECT n * 5 + k, n, (n * 7 + k * 4) % 20 + 1, k * 10, now()
          FROM generate_series(1, {LEARNERS}) n, generate_series(0, 4) k;
    ANALYZE bare.bare_learner, bare.bare_course, bare.bare_enrollment;
"""


def make_tables(database_url: str) -> None:
    """Make and fill the tables: 1,000 learners with 5 of 20 courses each."""
    with psycopg.connect(database_url) as connection:
        connection.execute(_TABLES.encode())
