"""Answers are limited in size, each and all together."""

import pytest

from stylefuse.serving.answer_budget import AnswerBudget
from stylefuse.serving.request_checks import RequestRejected


def test_an_answer_is_limited():
    budget = AnswerBudget(max_answer=10, max_held=100)
    with budget.answer() as count:
        count("x" * 10)
        with pytest.raises(RequestRejected) as error:
            count("x")
    assert (error.value.status, error.value.code) == (413, "answer-too-large")


def test_all_answers_together_are_limited_while_they_are_made():
    budget = AnswerBudget(max_answer=10, max_held=15)
    with budget.answer() as first, budget.answer() as second:
        first("x" * 10)
        with pytest.raises(RequestRejected) as error:
            second("x" * 6)
    assert (error.value.status, error.value.code) == (503, "server-busy")
    with budget.answer() as count:
        count("x" * 10)
