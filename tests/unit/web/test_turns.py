"""A visitor's new preview makes the earlier ones out of date, and nobody else's."""

from stylefuse.web.turns import Turns


def test_a_new_preview_makes_the_earlier_ones_out_of_date():
    turns = Turns()
    turn, other = turns.begin("a"), turns.begin("b")
    assert (turns.current("a"), turns.current("b")) == (turn, other)
    turns.begin("a")
    assert turns.current("a") != turn
    assert turns.current("b") == other
