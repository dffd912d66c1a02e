"""The stages of a run in parts, done by many processes or machines: ``dedup run --engine daft``.

    distribute.py  a whole run: what the command line calls
    plan.py        the stages up to the clusters, in order
    stages.py      all stages by name: what a worker is asked for
    run.py         doing stages one after the other, again where something changed, and on where a run has stopped
    by_daft.py     doing the parts of a stage: by Daft, on this machine or on a Ray cluster
    stage.py       what a stage is, and the desk at which a worker does one part of it
    store.py       where all of it is kept: a folder, or a bucket
    columns.py, links.py  values as columns of tables, and back

The stages, in the order of the flow:

    reading.py -> sketching.py -> works.py -> boilerplate.py -> subjects.py -> near.py -> proposing.py -> confirming.py
    -> consulting.py -> components.py -> clustering.py -> results.py -> outputs.py

Each does in parts what a module of the same purpose does in one piece (:mod:`dedup.pipeline`), with the functions of
that module: the answers are the same, to the byte, whatever the parts.

How it works is MapReduce (Dean and Ghemawat 2004) with files between the stages, rather than one lazy plan of the
engine: so a run that was stopped goes on inside a stage, a lost machine costs the parts that it was doing, no part need
hold more than its share, and what is read, sent and computed is counted exactly.
"""
