"""Evaluators, one module per model name; `default` evaluates any other model.

Each module has two functions of an `EvaluationContext`: `evaluate` returns the metrics and the
page of a report, `picture_results` returns per-picture results, by which two models are compared.
"""
