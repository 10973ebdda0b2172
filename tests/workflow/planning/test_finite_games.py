"""What has no table is refused in plain words, and how many states it has at least is no more than it has."""

from itertools import permutations, product

import pytest

from coterie.errors import BadInput
from coterie.settings import ForagingOptions
from coterie.workflow.planning.finite_games import check_finite, fewest_states, finite_game, finite_names


def starts(rows: int, columns: int, agents: int, foods: int) -> int:
    """Counted one by one: agents of level 1 or 2 on different cells; foods off the rim, under nobody and apart."""
    cells = list(product(range(rows), range(columns)))
    inner = [(row, column) for row, column in cells if 0 < row < rows - 1 and 0 < column < columns - 1]
    count = 0
    for places in permutations(cells, agents):
        free = [cell for cell in inner if cell not in places]
        for laid in permutations(free, foods):
            near = [(a, b) for n, a in enumerate(laid) for b in laid[:n]]
            count += all((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 > 4 for a, b in near)
    return count * 2**agents


@pytest.mark.parametrize("field", [(3, 3, 1, 1), (5, 5, 1, 1), (5, 6, 2, 1), (6, 7, 1, 2)])
def test_there_are_at_least_so_many_states(field):
    rows, columns, agents, foods = field
    fewest = fewest_states(ForagingOptions(rows, columns, agents, foods))
    possible = starts(*field)
    assert fewest <= max(possible, rows * columns * 2)  # on 3x3 the only food may find no place: a state of its own
    assert fewest >= possible / 3


def test_too_many_states_are_told_with_their_number():
    with pytest.raises(BadInput) as refused:
        finite_game("foraging-8x8-2p-2f-coop")
    told = str(refused.value)
    assert told.startswith(
        "foraging-8x8-2p-2f-coop has too many states to list: at least 11,515,392, with 36 joint actions each. What is "
        "solved exactly, or learned with tables, is a finite game: one whose every state with every joint action fits "
        "into a table of 4,000,000 lines. Finite are: rendezvous, climbing, "
    )
    assert told.endswith("coterie train foraging-8x8-2p-2f-coop")


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ("foraging-3x3-1p-1f", "does not list its states: it draws by itself how an episode begins. "),
        (
            "jaxmarl:MPE_simple_spread_v3",
            "does not list its states: it draws its own chance, and only shows what comes",
        ),
    ],
)
def test_what_lists_nothing_is_not_called_too_large(environment, why):
    with pytest.raises(BadInput, match=f"{environment} {why}"):
        finite_game(environment)


def test_all_that_is_called_finite_is_not_refused():
    for name in finite_names():
        check_finite(name)
    assert "foraging-8x8-2p-2f-coop" not in finite_names()
    assert len(finite_game("climbing").joint_actions) == 9
