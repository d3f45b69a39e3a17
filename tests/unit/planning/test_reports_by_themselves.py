"""Tools that try a pair on folders ask by this address, and drive an operator by these names."""

from tandem_operator.pair import judgement
from tandem_operator.planning.lock import assessment
from tests.cluster.outside import operators


def test_the_address_of_a_judgement() -> None:
    assert judgement.judge is assessment.assess


def test_the_names_by_which_an_operator_is_driven() -> None:
    assert operators.Process.said is operators.Process.output
    assert hasattr(operators, "_free_port")
