"""One judge per model, in the module of the model's name; `default` judges all others.

A judge is a function `judge(bench)` → figures for the metrics file, and the page that shows them.
"""
