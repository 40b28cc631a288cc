"""Which tests show which fault of the specification, and what is not built."""

from collections.abc import Mapping

FAULTS: Mapping[int, str] = {
    1: "kill -9 in mid-session",
    2: "kill -9 between commit and answer",
    3: "SIGTERM with 500 sockets",
    4: "PostgreSQL restarts under 100 sessions",
    7: "Redis restarts",
    17: "wrong clocks",
    19: "1,000 chargers reconnect in 10 s",
    20: "two sockets, one identity",
    21: "second socket, wrong password",
    22: "half-open TCP",
    23: "handshakes and frames byte by byte",
    24: "oversize, fragments, compression bomb",
    25: "odd JSON and bytes",
    26: "Start sent twice",
    27: "Stop before Start, of nothing, twice",
    28: "offline queue six hours late",
    29: "meter backwards, reset, jump",
    34: "more than 24 hours",
    36: "no, wrong, foreign credentials",
    37: "enumerating chargers",
    38: "1,000 cards tried",
    39: "foreign transaction",
    53: "scripts in chargers' strings",
    54: "forged log lines",
    66: "every request mutated",
}

_GATEWAY = "tests/ocpp_gateway"
_SESSIONS = "tests/transactions/test_sessions.py"
_RACES = "tests/transactions/test_races.py"
# Besides the tests under tests/faults that carry the number in their name.
ELSEWHERE: Mapping[int, tuple[str, ...]] = {
    1: (
        "tests/acceptance/test_killed_gateway.py::test_the_same_session_goes_on",
        f"{_GATEWAY}/test_presence.py::test_kill_9_in_mid_session_loses_nothing_that_was_answered",
    ),
    3: (
        f"{_GATEWAY}/test_presence.py::"
        "test_shutdown_finishes_messages_in_flight_and_closes_with_1012",
    ),
    4: (
        f"{_GATEWAY}/test_telemetry.py::test_a_start_is_not_confirmed_while_the_database_is_down",
        f"{_GATEWAY}/test_telemetry.py::test_lost_database_connections_heal",
    ),
    7: (
        "tests/acceptance/test_remote_control.py::"
        "test_start_and_stop_reach_the_charger_with_and_without_redis",
        "tests/console/test_browser.py::test_a_lost_connection_is_said_and_comes_back",
    ),
    17: (
        f"{_SESSIONS}::test_what_cannot_be_right_is_held_for_review",
        f"{_SESSIONS}::test_a_clock_that_is_wrong_throughout_still_measures_the_session",
    ),
    20: (
        f"{_GATEWAY}/test_presence.py::"
        "test_case_09_the_newest_socket_wins_and_the_close_of_the_old_is_harmless",
        f"{_GATEWAY}/test_presence.py::test_case_10_also_when_the_old_socket_is_in_another_process",
    ),
    25: (
        f"{_GATEWAY}/test_wire.py::test_case_18_garbage_is_logged_and_the_socket_lives",
        f"{_GATEWAY}/test_wire.py::test_oversize_and_binary_frames_close_only_their_own_socket",
    ),
    26: (
        f"{_GATEWAY}/test_wire.py::"
        "test_case_24_a_start_repeated_with_a_new_id_has_the_same_transaction",
        f"{_RACES}::test_the_same_start_at_once_is_one_session",
    ),
    27: (
        f"{_GATEWAY}/test_wire.py::test_case_45_and_47_a_stop_is_always_answered_and_counts_once",
        f"{_GATEWAY}/test_wire.py::test_case_46_a_stop_of_nothing_is_answered_and_kept",
        f"{_SESSIONS}::test_a_stop_that_nothing_is_known_of_is_kept_once_and_answered",
        f"{_SESSIONS}::test_a_second_stop_changes_nothing_and_is_flagged_if_it_differs",
        f"{_RACES}::test_the_same_stop_at_once_is_billed_once",
    ),
    28: (
        f"{_SESSIONS}::test_an_offline_queue_is_priced_by_the_times_and_the_tariff_of_its_events",
    ),
    29: ("tests/transactions/test_energy.py",),
    36: (
        f"{_GATEWAY}/test_handshake.py::test_case_05_and_06_an_address_of_no_station_is_404",
        f"{_GATEWAY}/test_handshake.py::test_case_06_wrong_credentials_are_401_before_the_upgrade",
        f"{_GATEWAY}/test_handshake.py::"
        "test_guessing_passwords_is_slowed_down_and_noted_but_locks_nobody_else_out",
    ),
    39: (f"{_SESSIONS}::test_a_stop_that_nothing_is_known_of_is_kept_once_and_answered",),
    53: (
        "tests/console/test_pages.py::test_strings_of_chargers_are_inert",
        "tests/console/test_browser.py::test_strings_of_chargers_run_nowhere",
    ),
    54: (
        "tests/infra/test_logs.py::test_an_entry_cannot_forge_another",
        "tests/infra/test_logs.py::test_a_megabyte_is_cut_quickly",
        "tests/infra/test_logs.py::test_any_text_comes_out_as_one_safe_line",
    ),
    66: (f"{_GATEWAY}/test_protocol_fuzz.py",),
}

NOT_BUILT: Mapping[int, str] = {
    34: "no run with a shifted clock yet",
    37: "drivers' app, QR code and map do not exist yet",
}
