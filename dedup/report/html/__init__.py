"""The report as a page: one file that works from disk and asks no network for anything.

    Stages, Report  --data-->  PageData  --page-->  page.html: frame (jinja2), page.css, page.js, the data as JSON

The data holds what the JSON report says and, up to limits that the page states, what a person wants beside it: the
texts of the clusters' records, the passages that align, and pairs below the threshold.
"""
