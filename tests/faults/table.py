"""Which tests show which fault of the specification, and what is not built."""

from collections.abc import Mapping

FAULTS: Mapping[int, str] = {
    1: "kill -9 in mid-session",
    2: "kill -9 between commit and answer",
    3: "SIGTERM with 500 sockets",
    4: "PostgreSQL restarts under 100 sessions",
    7: "Redis restarts",
    8: "Redis is emptied: codes and lockouts",
    17: "wrong clocks",
    19: "5,000 chargers reconnect in 10 s",
    20: "two sockets, one identity; 1,000 jumps",
    21: "second socket, wrong password",
    22: "half-open TCP",
    23: "2,000 handshakes, frames byte by byte",
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
    40: "ids of somebody else in every route",
    41: "fields that nobody offered",
    42: "forged tokens",
    43: "a refresh token used twice, 20 at once",
    44: "tokens after sign-out, password change, closing",
    45: "passwords guessed, from everywhere",
    46: "codes guessed, replayed, raced, pumped",
    47: "past the second factor",
    48: "forged requests, framing, redirects",
    49: "roles × views, actions, operations",
    50: "staff of another operator",
    53: "scripts in chargers' strings",
    54: "forged log lines",
    55: "SQL and lookups in filters and bodies",
    56: "price tampered with",
    57: "headers of every page",
    58: "impossible amounts",
    59: "double tap",
    64: "secrets where nobody should see them",
    65: "fuzzing the API",
    66: "every request mutated",
}

_GATEWAY = "tests/ocpp_gateway"
_SESSIONS = "tests/transactions/test_sessions.py"
_CHARGING = "tests/api/charging/test_starting.py"
_TAPS = "tests/transactions/test_driver_races.py"
_RACES = "tests/transactions/test_races.py"
_TOKENS = "tests/api/test_tokens.py"
_CODES = "tests/api/test_codes.py"
_DRIVERS = "tests/api/test_driver_account.py"
# Of the tests under tests/faults: what runs beside those that start servers.
WITHOUT_PROCESSES = (
    "tests/faults/test_enumeration.py",
    "tests/faults/test_permissions.py",
    "tests/faults/test_staff_access.py",
)
# Of the tests elsewhere: what starts servers, and does not run beside others that do.
STARTING_SERVERS = ("tests/acceptance/", "tests/ocpp_gateway/test_presence.py")
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
    8: (
        f"{_CODES}::TestLimits::test_T8_an_emptied_cache_opens_nothing",
        f"{_CODES}::TestLimits::test_T8_a_cache_that_is_away_opens_nothing",
        f"{_CODES}::TestLimits::test_T8_lockouts_outlive_the_cache",
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
    21: (f"{_GATEWAY}/test_alerts.py::test_t21_a_wrong_password_beside_the_charger",),
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
        f"{_GATEWAY}/test_alerts.py::test_t27_a_stop_of_nothing",
        f"{_GATEWAY}/test_wire_messages.py::test_case_45_and_47_a_stop_is_always_answered_and_counts_once",
        f"{_GATEWAY}/test_wire_messages.py::test_case_46_a_stop_of_nothing_is_answered_and_kept",
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
    38: (f"{_GATEWAY}/test_alerts.py::test_t38_one_card_after_the_other",),
    39: (f"{_SESSIONS}::test_a_stop_that_nothing_is_known_of_is_kept_once_and_answered",),
    42: (f"{_TOKENS}::TestT42Forged",),
    43: (f"{_TOKENS}::TestT43Reused",),
    44: (
        f"{_TOKENS}::TestT44Outlived",
        f"{_DRIVERS}::TestPasswords::test_changing_signs_every_device_out_and_tells_the_owner",
        f"{_DRIVERS}::TestDevices::test_all",
    ),
    45: (
        f"{_TOKENS}::TestT45Guessed",
        f"{_DRIVERS}::TestPasswords::test_a_stolen_device_cannot_guess",
        "tests/api/test_limits.py",
    ),
    46: (_CODES,),
    47: (
        "tests/console/test_sign_in.py::"
        "test_no_address_under_admin_opens_without_the_second_factor",
        "tests/console/test_live.py::test_strangers_half_signed_in_and_foreign_pages_are_refused",
        "tests/console/test_security_browser.py::"
        "test_a_passkey_opens_nothing_without_its_person_or_their_access",
        "tests/accounts/test_invitations.py::test_a_link_used_twice_at_once_counts_once",
        "tests/api/test_sign_in.py::TestKeys::test_a_console_session_is_no_sign_in",
    ),
    50: (
        "tests/console/test_scope.py",
        "tests/console/test_live.py::test_pages_of_stations_and_sessions_are_scoped",
    ),
    40: ("tests/api/test_foreign.py",),
    41: ("tests/api/test_mass_assignment.py",),
    53: (
        "tests/console/test_pages.py::test_strings_of_chargers_are_inert",
        "tests/console/test_browser.py::test_strings_of_chargers_run_nowhere",
    ),
    54: (
        "tests/infra/test_logs.py::test_an_entry_cannot_forge_another",
        "tests/infra/test_logs.py::test_a_megabyte_is_cut_quickly",
        "tests/infra/test_logs.py::test_any_text_comes_out_as_one_safe_line",
    ),
    56: (f"{_CHARGING}::test_T56_nothing_but_the_tariff_sets_the_price",),
    58: (
        f"{_CHARGING}::test_T58_a_price_that_is_none_is_refused",
        f"{_CHARGING}::test_T58_a_price_that_is_not_ours_starts_nothing",
    ),
    59: (
        f"{_CHARGING}::test_T59_a_key_makes_one_start_of_many",
        f"{_TAPS}::test_T59_two_taps_on_create_are_one_session_and_one_token",
        f"{_TAPS}::test_T59_two_taps_on_start_are_one_start",
        f"{_TAPS}::test_T59_two_taps_on_stop_are_one_stop",
    ),
    55: ("tests/api/test_abuse.py",),
    57: (
        "tests/api/test_abuse.py::test_T57_every_page_is_locked_in",
        "tests/api/test_abuse.py::test_T57_plain_http_is_sent_to_https",
        "tests/settings/test_production.py",
    ),
    64: (
        "tests/api/test_abuse.py::test_T64_no_secret_is_kept_in_the_repository",
        "tests/api/test_abuse.py::test_T64_neither_schema_nor_errors_nor_health_tell_anything",
        "tests/api/test_abuse.py::test_T64_debug_is_off_where_nobody_asks_for_it",
        "tests/infra/test_metrics.py",
    ),
    65: ("tests/api/test_fuzz.py",),
    66: (f"{_GATEWAY}/test_protocol_fuzz.py",),
}

NOT_BUILT: Mapping[int, str] = {
    58: "amounts of payments, top-ups and refunds: no such operation is open yet",
    59: "paying twice, and two connectors with one balance: payments and wallets are not built",
}
