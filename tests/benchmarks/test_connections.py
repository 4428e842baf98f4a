"""The benchmarks of connections run, at tiny sizes, and count what they say they count."""

import os
from pathlib import Path

import pytest

from benchmarks import backend_memory, routing
from benchmarks.stack import Stack
from tenants.scope import NOWHERE, current_scope


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(dict(os.environ), tmp_path)


@pytest.mark.slow
def test_routing_counts_the_messages_of_each_way(
    committed: None, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_ROUTING_REQUESTS", "20")
    token = current_scope.set(NOWHERE)  # as a thread of a server begins
    try:
        figures = routing.run(stack)
    finally:
        current_scope.reset(token)
    messages = {key: value for key, value in figures.items() if key.endswith(".messages")}
    assert messages == {
        "ping.plain.messages": 0,
        "page.plain.messages": 8,
        "ping.ours.messages": 0,
        "page.ours.messages": 9,
        "ping.transaction.messages": 0,
        "page.transaction.messages": 8,
        "ping.library.messages": 2,
        "page.library.messages": 18,
    }
    assert figures["statements_added"] == 1
    assert {"ping_added_us", "page_added_percent"} <= figures.keys()


@pytest.mark.slow
def test_the_memory_of_a_backend_grows_with_the_tenants_it_visits(
    committed: None, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_MEMORY_TENANTS", "10")
    figures = backend_memory.run(stack)
    assert figures["backend_mb_0"] < figures["backend_mb_1"] < figures["backend_mb_10"] < 40
    assert figures["tables_each"] == 8
