"""Tests of :mod:`dedup.report`; a package, so that its modules can share the builders in conftest."""
