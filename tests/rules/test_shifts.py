"""Scripted shifts: what the wearer does and what becomes of it, line by line."""

from bodycam.media.packets import SECOND
from bodycam.rules.events import (
    Button,
    Edge,
    Fault,
    FaultCleared,
    FaultRaised,
    Log,
    Note,
    Output,
    PicturesMissed,
    Vibrate,
    WarningStarted,
)
from bodycam.rules.machine import begin, step
from rules.shift import expect, play, policy

# ---- the ordinary shift --------------------------------------------------------------------------


def test_warned_recorded_marked_stopped() -> None:
    script = """
        60 press 0.2
        75 press 0.3
        92 press 4
    """
    assert play(script, 130) == expect("""
         60.000 warning   pin 30
                          warn speaker
                          light warning
         62.050 recording begin warned: at 60, given 62.05, before 30, by speaker
                          feel started
                          light recording
         75.500 recording note mark at 75
                          feel marked
         95.000 recording feel holding
         96.200 after     until 96.2
                          force keyframe
                          feel stopped
                          light standby
        126.000 standby
    """)


def test_the_recording_goes_on_within_post_record_and_is_linked_after_it() -> None:
    script = """
        10 press 0.2
        20 press 4
        30 press 0.2
        40 press 4
        60 press 0.2
    """
    assert play(script, 62.1, policy(post_record_s=10), since_s=20) == expect("""
         23.000 recording feel holding
         24.200 stopping  until 34.2
                          feel stopped
         30.000 recording until -
                          feel started
         43.000 recording feel holding
         44.200 stopping  until 54.2
                          feel stopped
         54.200 after     force keyframe
                          light standby
         60.000 recording pin 30
                          warn speaker
                          begin linked: at 60, given -, before 30, by -
                          feel started
                          light recording
         60.050 recording note played speaker begun
         60.850 recording note played speaker to its end
    """)


def test_after_30_s_a_press_warns_first() -> None:
    script = """
        10 press 1.1
        20 press 4
        54 press 0.1
    """
    assert play(script, 56.1, since_s=20) == expect("""
         23.000 recording feel holding
         24.200 after     until 24.2
                          force keyframe
                          feel stopped
                          light standby
         54.000 warning   pin 24
                          warn speaker
                          light warning
         56.050 recording begin warned: at 54, given 56.05, before 30, by speaker
                          feel started
                          light recording
    """)


def test_a_long_post_record_leaves_no_time_for_a_link() -> None:
    script = """
        1 press 1.1
        3 press 4
        50 press 0.1
    """
    assert play(script, 51, policy(post_record_s=40), since_s=3) == expect("""
          6.000 recording feel holding
          7.200 stopping  until 47.2
                          feel stopped
         47.200 standby   force keyframe
                          light standby
         50.000 warning   pin 20
                          warn speaker
                          light warning
    """)


def test_marks_at_most_one_in_10_s_by_their_contacts() -> None:
    script = """
        1 press 1.1
        20 press 0.9
        29.999 press 0.1
        30.4 press 0.999
        40.399 press 0.1
    """
    assert play(script, 45, since_s=3) == expect("""
        21.100 recording note mark at 20
                         feel marked
        31.599 recording note mark at 30.4
                         feel marked
    """)


def test_reminders() -> None:
    script = """
        10 press 1.1
    """
    assert play(script, 260, since_s=12) == expect("""
        131.000 recording feel reminder
        251.000 recording feel reminder
    """)


def test_without_lead_time_the_acknowledgement_is_the_warning() -> None:
    """The contact has made its transition: letting go stops nothing."""
    script = """
        10 press 4
    """
    assert play(script, 20, policy(lead_s=0, pre_record_s=0)) == expect("""
         10.000 warning   pin 10
                          force keyframe
                          warn speaker
                          light warning
         10.050 recording begin warned: at 10, given 10.05, before 0, by speaker
                          feel started
                          light recording
         10.850 recording note played speaker to its end
    """)


# ---- panic ---------------------------------------------------------------------------------------


def test_there_is_no_time_to_warn() -> None:
    """The contact that began it never stops it, nor does one of over 6 s."""
    script = """
        10 press 8
        20 press 7
    """
    assert play(script, 30) == expect("""
         10.000 warning   pin -20
                          warn speaker
                          light warning
         11.000 recording begin held: at 10, given -, before 30, by speaker
                          feel started
                          light recording
         23.000 recording feel holding
    """)


def test_a_second_press_records_now_and_nothing_of_it_stops() -> None:
    script = """
        10 press 0.1
        10.5 press 4
    """
    assert play(script, 30) == expect("""
         10.000 warning   pin -20
                          warn speaker
                          light warning
         10.500 recording begin again: at 10, given -, before 30, by speaker
                          feel started
                          light recording
         10.850 recording note played speaker to its end
    """)


def test_panic_presses_start_and_mark_but_never_stop() -> None:
    script = """
        10 press 0.1
        10.3 press 0.1
        10.6 press 0.1
        11 press 0.1
        11.4 press 0.1
        11.8 press 2
        14.2 press 2.9
        18 press 6
        25 press 0.1
    """
    assert play(script, 30) == expect("""
         10.000 warning   pin -20
                          warn speaker
                          light warning
         10.300 recording begin again: at 10, given -, before 30, by speaker
                          feel started
                          light recording
         10.850 recording note played speaker to its end
         10.900 recording note mark at 10.6
                          feel marked
         21.000 recording feel holding
         25.300 recording note mark at 25
                          feel marked
    """)


def test_a_press_needs_a_release_of_0_2_s_before_it() -> None:
    script = """
        10 down
        10.1 up
        10.29 down
        10.4 up
        10.59 down
        10.7 up
    """
    assert play(script, 11) == expect("""
         10.000 warning   pin -20
                          warn speaker
                          light warning
    """)


def test_only_3_to_6_s_stop() -> None:
    script = """
        1 press 1.1
        10 press 2.999
        20 press 6
        30 press 3
    """
    assert play(script, 34, since_s=3) == expect("""
         23.000 recording feel holding
         33.000 recording feel holding
         33.200 after     until 33.2
                          force keyframe
                          feel stopped
                          light standby
    """)


def test_a_bounce_at_the_end_of_a_hold_changes_nothing() -> None:
    """3 s are reached while it is open for an instant; let go at 6.1 s is too late."""
    script = """
        1 press 1.1
        10 down
        12.95 up
        13.05 down
        15.9 up
        16.05 down
        16.1 up
    """
    assert play(script, 20, since_s=3) == expect("""
         13.050 recording feel holding
    """)


def test_a_stuck_button_is_a_fault_until_it_lets_go() -> None:
    script = """
        10 press 40
        55 press 4
    """
    assert play(script, 60, since_s=12) == expect("""
         40.000 recording log fault button-stuck
                          note fault button-stuck
                          feel fault
         50.200 recording log fault-cleared button-stuck
                          note fault-cleared button-stuck
         58.000 recording feel holding
         59.200 after     until 59.2
                          force keyframe
                          feel stopped
                          light standby
    """)


def test_a_button_closed_at_boot_is_ignored_until_released() -> None:
    script = """
        31 up
        31.01 down
        31.02 up
        32 press 0.1
    """
    assert play(script, 33, record_closed=True) == expect("""
         30.000 standby   log fault button-stuck
                          feel fault
                          light fault
         31.220 standby   log fault-cleared button-stuck
                          light standby
         32.000 warning   pin 2
                          warn speaker
                          light warning
    """)


def test_function_closed_at_boot_asks_for_nothing() -> None:
    script = """
        2 function-up
        2.01 function-down
        2.02 function-up
        5 function 0.1
    """
    assert play(script, 6, function_closed=True) == expect("""
          5.300 warn only log act warned only
                          warn speaker
                          feel warned-only
                          light warning
    """)


def test_two_buttons_that_are_stuck_are_one_fault() -> None:
    """FUNCTION held 3 s pauses; RECORD wakes; the fault lasts as long as one of them sticks."""
    script = """
        1 function-down
        2 down
        40 up
        50 function-up
    """
    assert play(script, 60) == expect("""
          2.000 warning   pin -28
                          warn speaker
                          light warning
          3.000 recording begin held: at 2, given -, before 30, by speaker
                          feel started
                          light recording
         31.000 recording log fault button-stuck
                          note fault button-stuck
                          feel fault
         50.200 recording log fault-cleared button-stuck
                          note fault-cleared button-stuck
    """)


# ---- warn only, cancel, levels -------------------------------------------------------------------


def test_warn_only() -> None:
    script = """
        10 function 0.2
        10.6 function 0.2
        20 function 2
    """
    assert play(script, 30) == expect("""
         10.400 warn only log act warned only
                          warn speaker
                          feel warned-only
                          light warning
         12.450 standby   light standby
         22.200 warn only log act warned only
                          warn speaker
                          feel warned-only
                          light warning
         24.250 standby   light standby
    """)


def test_warn_only_then_a_press() -> None:
    script = """
        10 function 0.2
        11 press 0.1
    """
    assert play(script, 13) == expect("""
         10.400 warn only log act warned only
                          warn speaker
                          feel warned-only
                          light warning
         11.000 warning   pin -19
         12.450 recording begin warned: at 11, given 12.45, before 30, by speaker
                          feel started
                          light recording
    """)


def test_warn_only_held_records_at_once() -> None:
    script = """
        10 function 0.2
        11 press 4
    """
    assert play(script, 13) == expect("""
         10.400 warn only log act warned only
                          warn speaker
                          feel warned-only
                          light warning
         11.000 warning   pin -19
         12.000 recording begin held: at 11, given -, before 30, by speaker
                          feel started
                          light recording
    """)


def test_warn_only_lasts_as_long_as_the_text() -> None:
    script = """
        10 function 0.2
    """
    assert play(script, 20, policy(text="U wordt gefilmd.")) == expect("""
         10.400 warn only log act warned only
                          warn speaker "U wordt gefilmd."
                          feel warned-only
                          light warning
         13.450 standby   light standby
    """)


def test_a_press_while_the_text_is_spoken_records_at_once() -> None:
    script = """
        10 function 0.2
        12.8 press 0.1
    """
    assert play(script, 20, policy(text="U wordt gefilmd.")) == expect("""
         10.400 warn only log act warned only
                          warn speaker "U wordt gefilmd."
                          feel warned-only
                          light warning
         12.800 recording pin -17.2
                          begin warned: at 12.8, given 12.45, before 30, by speaker
                          feel started
                          light recording
         13.450 recording note played speaker to its end
    """)


def test_a_text_without_an_end_is_over_after_20_s() -> None:
    script = """
        1 speaker unending
        10 function 0.2
    """
    assert play(script, 40, policy(text="U wordt gefilmd.")) == expect("""
         10.400 warn only log act warned only
                          warn speaker "U wordt gefilmd."
                          feel warned-only
                          light warning
         32.450 standby   light standby
    """)


def test_a_text_is_not_repeated_within_60_s() -> None:
    script = """
        10 function 0.2
        69.9 function 0.2
        71 function 0.2
    """
    assert play(script, 80, policy(text="U wordt gefilmd.")) == expect("""
         10.400 warn only log act warned only
                          warn speaker "U wordt gefilmd."
                          feel warned-only
                          light warning
         13.450 standby   light standby
         70.300 warn only log act warned only
                          warn speaker
                          feel warned-only
                          light warning
         72.350 standby   light standby
    """)


def test_a_text_that_was_cut_off_is_spoken_again() -> None:
    script = """
        10 press 0.2
        11 function 1
        20 press 0.2
    """
    assert play(script, 21, policy(text="U wordt gefilmd.")) == expect("""
         10.000 warning   pin -20
                          warn speaker "U wordt gefilmd."
                          light warning
         12.000 standby   log act cancelled
                          hush
                          unpin
                          feel cancelled
                          light standby
         20.000 warning   pin -10
                          warn speaker "U wordt gefilmd."
                          light warning
    """)


def test_cancelled() -> None:
    script = """
        10 press 0.2
        10.5 function 1.2
    """
    assert play(script, 20) == expect("""
         10.000 warning   pin -20
                          warn speaker
                          light warning
         11.500 standby   log act cancelled
                          hush
                          unpin
                          feel cancelled
                          light standby
    """)


def test_cancelled_in_the_dock() -> None:
    script = """
        10 press 0.2
        10.5 function 1.2
    """
    assert play(script, 20, docked=True) == expect("""
         10.000 warning   pin 10
                          warn speaker
                          wake
                          light warning
         11.500 docked    log act cancelled
                          hush
                          unpin
                          sleep
                          feel cancelled
                          light docked
    """)


def test_a_short_function_press_does_not_cancel() -> None:
    script = """
        10 press 0.2
        10.5 function 0.9
    """
    assert play(script, 20) == expect("""
         10.000 warning   pin -20
                          warn speaker
                          light warning
         12.050 recording begin warned: at 10, given 12.05, before 30, by speaker
                          feel started
                          light recording
    """)


def test_a_hand_that_grasps_both_buttons_cancels_nothing() -> None:
    script = """
        10 function 3.5
        10.1 press 0.2
    """
    assert play(script, 20) == expect("""
         10.100 warning   pin -19.9
                          warn speaker
                          light warning
         12.150 recording begin warned: at 10.1, given 12.15, before 30, by speaker
                          feel started
                          light recording
    """)


def test_levels_while_recording() -> None:
    script = """
        10 press 1.1
        20 function 0.2
        30 function 5
    """
    assert play(script, 40, since_s=12) == expect("""
         20.400 recording feel levels-4-8
         35.200 recording feel levels-4-8
    """)


# ---- pause and dock ------------------------------------------------------------------------------


def test_pause_with_reminders_and_resume() -> None:
    script = """
        10 function 3.5
        1000 function 0.2
    """
    assert play(script, 1010) == expect("""
         13.000 paused    log act pause
                          sleep
                          feel paused
                          light paused
        913.000 paused    feel pause-reminder
        1000.400 standby   log act pause over
                          wake
                          feel resumed
                          light standby
    """)


def test_a_pause_ends_by_itself() -> None:
    script = """
        10 function 3.5
    """
    assert play(script, 400, policy(pause_s=300)) == expect("""
         13.000 paused    log act pause
                          sleep
                          feel paused
                          light paused
        313.000 standby   log act pause over
                          wake
                          feel resumed
                          light standby
    """)


def test_a_press_in_the_pause_wakes_and_warns() -> None:
    script = """
        10 function 3.5
        20 press 0.1
    """
    assert play(script, 23, since_s=14) == expect("""
         20.000 warning   pin 20
                          warn speaker
                          wake
                          light warning
         22.050 recording begin warned: at 20, given 22.05, before 0, by speaker
                          feel started
                          light recording
    """)


def test_a_press_in_the_pause_that_is_held() -> None:
    script = """
        10 function 3.5
        20 press 1.5
    """
    assert play(script, 23, since_s=14) == expect("""
         20.000 warning   pin 20
                          warn speaker
                          wake
                          light warning
         21.000 recording begin held: at 20, given -, before 0, by speaker
                          feel started
                          light recording
    """)


def test_docked_in_the_pause() -> None:
    script = """
        10 function 3.5
        20 dock
        30 undock
    """
    assert play(script, 40, since_s=14) == expect("""
         20.000 docked    log act pause over
                          feel resumed
                          light docked
         30.000 standby   wake
                          light standby
    """)


def test_a_press_in_the_dock() -> None:
    script = """
        10 press 0.1
        20 press 4
        60 undock
    """
    assert play(script, 70, docked=True, since_s=13) == expect("""
         23.000 recording feel holding
         24.200 after     until 24.2
                          force keyframe
                          feel stopped
                          light standby
         54.000 docked    sleep
                          light docked
         60.000 standby   wake
                          light standby
    """)


def test_docked_while_recording_it_goes_on() -> None:
    script = """
        1 press 1.1
        5 dock
        10 press 4
    """
    assert play(script, 45, since_s=4) == expect("""
         13.000 recording feel holding
         14.200 after     until 14.2
                          force keyframe
                          feel stopped
                          light standby
         44.000 docked    sleep
                          light docked
    """)


def test_put_into_the_dock_within_30_s_of_a_stop() -> None:
    script = """
        1 press 1.1
        5 press 4
        12 dock
    """
    assert play(script, 20, since_s=4) == expect("""
          8.000 recording feel holding
          9.200 after     until 9.2
                          force keyframe
                          feel stopped
                          light standby
         12.000 docked    sleep
                          light docked
    """)


def test_a_pause_begun_in_the_dock_ends_in_the_dock() -> None:
    script = """
        1 press 1.1
        3 dock
        5 press 4
        14 function 3.1
        20 function 0.1
    """
    assert play(script, 30, since_s=4) == expect("""
          8.000 recording feel holding
          9.200 after     until 9.2
                          force keyframe
                          feel stopped
                          light standby
         17.000 paused    log act pause
                          sleep
                          feel paused
                          light paused
         20.300 docked    log act pause over
                          feel resumed
                          light docked
    """)


def test_faults_are_spoken_at_the_dock_only() -> None:
    script = """
        10 raise sound-lost
        20 raise clock-unsynchronised
        30 dock
        40 raise camera-stalled
        50 clear sound-lost
        60 undock
        70 clear camera-stalled
    """
    assert play(script, 80) == expect("""
         10.000 standby   log fault sound-lost
                          feel fault
         20.000 standby   log fault clock-unsynchronised
         30.000 docked    sleep
                          say "De microfoon werkt niet."
                          say "De klok is niet gelijk gezet."
                          light docked
         40.000 docked    log fault camera-stalled
                          say "De camera werkt niet."
                          feel fault
                          light fault
         50.000 docked    log fault-cleared sound-lost
         60.000 standby   wake
         65.000 standby   restart camera
         70.000 standby   restart camera
                          log fault-cleared camera-stalled
                          light standby
    """)


def test_faults_are_spoken_in_the_wearers_language() -> None:
    script = """
        10 raise sound-lost
    """
    assert play(script, 20, policy(languages='"en"'), docked=True) == expect("""
         10.000 docked    log fault sound-lost
                          say "The microphone does not work."
                          feel fault
    """)


# ---- the warning's outputs -----------------------------------------------------------------------


def test_a_dead_speaker_is_tried_last_from_then_on() -> None:
    script = """
        1 speaker dead
        10 press 0.1
        20 press 4
        60 press 0.1
    """
    assert play(script, 63) == expect("""
         10.000 warning   pin -20
                          warn speaker
                          light warning
         10.010 warning   log fault speaker-dead
                          warn buzzer
                          feel fault
         12.060 recording begin warned: at 10, given 12.06, before 30, by buzzer, not speaker
                          note faults speaker-dead
                          feel started
                          light recording
         23.000 recording feel holding
         24.200 after     until 24.2
                          force keyframe
                          feel stopped
                          light standby
         54.000 standby
         60.000 warning   pin 30
                          warn buzzer
                          light warning
         62.050 recording begin warned: at 60, given 62.05, before 30, by buzzer
                          note faults speaker-dead
                          feel started
                          light recording
    """)


def test_a_silent_speaker_costs_half_a_second() -> None:
    script = """
        1 speaker silent
        10 press 0.1
    """
    assert play(script, 14) == expect("""
         10.000 warning   pin -20
                          warn speaker
                          light warning
         10.500 warning   log fault speaker-dead
                          warn buzzer
                          feel fault
         12.550 recording begin warned: at 10, given 12.55, before 30, by buzzer, not speaker
                          note faults speaker-dead
                          feel started
                          light recording
    """)


def test_a_late_acknowledgement_counts() -> None:
    script = """
        1 speaker late 0.7
        1 buzzer silent
        10 press 0.1
    """
    assert play(script, 14) == expect("""
         10.000 warning   pin -20
                          warn speaker
                          light warning
         10.500 warning   log fault speaker-dead
                          warn buzzer
                          feel fault
         10.700 warning   log fault-cleared speaker-dead
         12.700 recording begin warned: at 10, given 12.7, before 30, by speaker, not speaker
                          feel started
                          light recording
    """)


def test_nothing_can_warn() -> None:
    """It records at once, and says so, every time."""
    script = """
        1 speaker dead
        1 buzzer silent
        1 light dead
        10 press 0.1
    """
    assert play(script, 20) == expect("""
         10.000 warning   pin -20
                          warn speaker
                          light warning
         10.010 warning   log fault speaker-dead
                          warn buzzer
                          feel fault
         10.510 warning   log fault buzzer-dead
                          warn light
                          feel fault
         10.520 recording log fault light-dead
                          log fault warning-failed
                          begin unheard: at 10, given -, before 30, by -, not speaker,buzzer,light
                          note faults buzzer-dead,light-dead,speaker-dead,warning-failed
                          feel started+fault
                          light recording
    """)


def test_nothing_can_warn_again() -> None:
    script = """
        1 speaker dead
        1 buzzer dead
        1 light dead
        10 function 0.2
        20 function 0.2
    """
    assert play(script, 30) == expect("""
         10.400 warn only log act warned only
                          warn speaker
                          feel warned-only
                          light warning
         10.410 warn only log fault speaker-dead
                          warn buzzer
                          feel fault
         10.420 warn only log fault buzzer-dead
                          warn light
                          feel fault
         10.430 standby   log fault light-dead
                          log fault warning-failed
                          feel fault
                          light fault
         20.400 warn only log act warned only
                          warn speaker
                          feel warned-only
                          light warning
         20.410 warn only warn buzzer
         20.420 warn only warn light
         20.430 standby   log fault warning-failed
                          feel fault
                          light fault
    """)


def test_nothing_is_fitted_that_can_warn() -> None:
    script = """
        10 press 0.1
    """
    assert play(script, 12, outputs=()) == expect("""
         10.000 recording pin -20
                          log fault warning-failed
                          begin unheard: at 10, given -, before 30, by -
                          note faults warning-failed
                          feel started+fault
                          light recording
    """)


def test_a_hold_notes_what_is_played_later() -> None:
    script = """
        1 speaker silent
        1 buzzer late 0.6
        10 press 1.1
    """
    assert play(script, 13) == expect("""
         10.000 warning   pin -20
                          warn speaker
                          light warning
         10.500 warning   log fault speaker-dead
                          warn buzzer
                          feel fault
         11.000 recording begin held: at 10, given -, before 30, by -, not speaker
                          note faults speaker-dead
                          log fault buzzer-dead
                          note fault buzzer-dead
                          warn light
                          feel started+fault
                          light recording
         11.050 recording note played light begun
         11.100 recording log fault-cleared buzzer-dead
                          note fault-cleared buzzer-dead
                          note played buzzer begun
         11.850 recording note played light to its end
         11.900 recording note played buzzer to its end
    """)


def test_a_speaker_that_fails_in_the_middle_is_followed_by_the_buzzer() -> None:
    script = """
        1 speaker breaks 1
        10 function 0.2
        40 press 0.1
    """
    assert play(script, 43, policy(text="U wordt gefilmd.")) == expect("""
         10.400 warn only log act warned only
                          warn speaker "U wordt gefilmd."
                          feel warned-only
                          light warning
         11.400 warn only log fault speaker-dead
                          warn buzzer
                          feel fault
         12.450 standby   light standby
         40.000 warning   pin 10
                          warn buzzer
                          light warning
         42.050 recording begin warned: at 40, given 42.05, before 30, by buzzer
                          note faults speaker-dead
                          feel started
                          light recording
    """)


def test_a_speaker_that_fails_after_lead_time_ends_the_text() -> None:
    script = """
        1 speaker breaks 2.5
        10 function 0.2
    """
    assert play(script, 20, policy(text="U wordt gefilmd.")) == expect("""
         10.400 warn only log act warned only
                          warn speaker "U wordt gefilmd."
                          feel warned-only
                          light warning
         12.900 standby   log fault speaker-dead
                          warn buzzer
                          feel fault
                          light standby
    """)


def test_nothing_can_warn_while_it_records_already() -> None:
    script = """
        1 speaker late 0.6
        1 buzzer dead
        1 light silent
        10 press 0.1
        10.4 press 0.1
    """
    assert play(script, 15) == expect("""
         10.000 warning   pin -20
                          warn speaker
                          light warning
         10.400 recording begin again: at 10, given -, before 30, by -
                          feel started
                          light recording
         10.500 recording log fault speaker-dead
                          note fault speaker-dead
                          warn buzzer
                          feel fault
         10.510 recording log fault buzzer-dead
                          note fault buzzer-dead
                          warn light
                          feel fault
         10.600 recording log fault-cleared speaker-dead
                          note fault-cleared speaker-dead
                          note played speaker begun
         11.400 recording note played speaker to its end
    """)


# ---- camera and card -----------------------------------------------------------------------------


def test_a_camera_that_stalled_before_the_press() -> None:
    script = """
        5 raise camera-stalled
        10 press 0.1
        13 clear camera-stalled
        14 drop
    """
    assert play(script, 20) == expect("""
          5.000 standby   log fault camera-stalled
                          restart camera
                          feel fault
                          light fault
         10.000 warning   restart camera
                          pin -20
                          log act pressed, cannot record camera-stalled
                          warn speaker
                          feel not-recording
                          light warning
         12.050 recording begin warned: at 10, given 12.05, before 30, by speaker
                          note faults camera-stalled
                          log act recording without pictures
                          feel not-recording
                          light recording
         13.000 recording log fault-cleared camera-stalled
                          note fault-cleared camera-stalled
                          log gap 240 camera
                          note gap 240 camera
                          feel started
         14.000 recording log fault footage-dropped
                          note fault footage-dropped
                          log gap 30
                          note gap 30
                          feel not-recording
    """)


def test_a_camera_that_stalls_while_recording() -> None:
    script = """
        1 press 1.1
        110 raise camera-stalled
        124 clear camera-stalled
    """
    assert play(script, 130, since_s=4) == expect("""
        110.000 recording log fault camera-stalled
                          note fault camera-stalled
                          restart camera
                          feel not-recording
        115.000 recording restart camera
        120.000 recording restart camera
        122.000 recording feel not-recording
        124.000 recording log fault-cleared camera-stalled
                          note fault-cleared camera-stalled
                          log gap 420 camera
                          note gap 420 camera
                          feel started
    """)


def test_a_gap_lasts_from_the_last_picture_to_the_first_whenever_they_are_told() -> None:
    model, _ = begin(policy(), 0)
    second = 10**9
    for event, at_s in (
        (Edge(Button.RECORD, True), 10),
        (WarningStarted(Output.SPEAKER, 1), 10),
        (Edge(Button.RECORD, False), 10.1),
        (FaultRaised(Fault.CAMERA_STALLED, 40 * second), 42),
    ):
        model, _ = step(model, event, round(at_s * second))
    model, effects = step(model, FaultCleared(Fault.CAMERA_STALLED, 46 * second), 47 * second)
    told = (("from_us", 40_000_000), ("to_us", 46_000_000), ("pictures", 180), ("why", "camera"))
    assert Log("gap", 47 * second, told) in effects
    assert Note("gap", 47 * second, told) in effects
    assert model.blind_ns is None


def test_a_recording_that_ends_while_the_camera_stalls_says_what_is_missing() -> None:
    script = """
        1 press 1.1
        50 raise camera-stalled
        60 press 4
        70 press 0.1
        76 clear camera-stalled
    """
    lines = play(script, 95, since_s=50).splitlines()
    gaps = [line[8:] for line in lines if "gap" in line]
    assert [line.split() for line in gaps] == [
        ["log", "gap", "426", "camera"],  # up to the stop
        ["note", "gap", "426", "camera"],
        ["log", "gap", "780", "camera"],  # of the linked one: there was nothing before it either
        ["note", "gap", "780", "camera"],
    ]


def test_going_off_while_the_camera_stalls_says_what_is_missing() -> None:
    script = """
        1 press 1.1
        50 raise camera-stalled
        52 off button
    """
    transcript = play(script, 55, since_s=52)
    assert "note gap 60 camera" in transcript
    assert transcript.index("note gap 60 camera") < transcript.index("until 52")


def test_pictures_that_were_missed_unnoticed_are_told_where_they_are_missing() -> None:
    model, _ = begin(policy(), 0)
    missed = PicturesMissed(40 * SECOND, 43 * SECOND)
    assert step(model, missed, 45 * SECOND)[1] == ()
    model, _ = step(model, Edge(Button.RECORD, True), 10 * SECOND)
    model, _ = step(model, WarningStarted(Output.SPEAKER, 1), 10 * SECOND)
    model, _ = step(model, Edge(Button.RECORD, False), 11 * SECOND)
    model, _ = step(model, None, 44 * SECOND)
    _, effects = step(model, missed, 45 * SECOND)
    told = (("from_us", 40_000_000), ("to_us", 43_000_000), ("pictures", 90), ("why", "camera"))
    assert effects[:2] == (Log("gap", 45 * SECOND, told), Note("gap", 45 * SECOND, told))
    assert isinstance(effects[2], Vibrate)
    stalled, _ = step(model, FaultRaised(Fault.CAMERA_STALLED, 40 * SECOND), 45 * SECOND)
    assert step(stalled, missed, 45 * SECOND)[1] == ()  # the end of the stall tells it


def test_the_recording_light_stays_on_while_the_camera_stalls() -> None:
    """What comes is kept from its first picture on, and sound all the time: people are told so."""
    script = """
        1 press 1.1
        50 raise camera-stalled
        56 clear camera-stalled
        60 press 4
    """
    lines = play(script, 70).splitlines()
    lights = [line.split("light ")[1] for line in lines if "light " in line]
    assert lights == ["warning", "recording", "standby"]


def test_a_camera_is_not_restarted_while_it_sleeps() -> None:
    script = """
        1 raise camera-stalled
        2 dock
        20 undock
        26 function 3.5
        40 function 0.1
        41 clear camera-stalled
    """
    assert play(script, 50) == expect("""
          1.000 standby   log fault camera-stalled
                          restart camera
                          feel fault
                          light fault
          2.000 docked    sleep
                          say "De camera werkt niet."
         20.000 standby   wake
         25.000 standby   restart camera
         29.000 paused    log act pause
                          sleep
                          feel paused
                          light paused
         40.300 standby   log act pause over
                          wake
                          feel resumed
                          light fault
         41.000 standby   log fault-cleared camera-stalled
                          light standby
    """)


def test_a_camera_said_to_stall_in_its_sleep() -> None:
    script = """
        1 raise camera-stalled
        10 undock
        16 clear camera-stalled
    """
    assert play(script, 20, docked=True) == expect("""
          1.000 docked    log fault camera-stalled
                          say "De camera werkt niet."
                          feel fault
                          light fault
         10.000 standby   wake
         15.000 standby   restart camera
         16.000 standby   log fault-cleared camera-stalled
                          light standby
    """)


def test_the_wearer_is_warned_an_hour_and_a_quarter_before_the_end() -> None:
    script = """
        1 room 61
        2 room 60
        3 room 59
        4 room 16
        5 room 15
        6 room 1
        7 room 0
        8 press 0.1
    """
    lines = play(script, 9).splitlines()
    assert [
        line.split()[0] for line in lines if line.strip()[:1].isdigit() and "log fault" in line
    ] == [
        "2.000",
        "5.000",
        "7.000",
    ]
    assert sum("feel fault" in line for line in lines) == 3
    assert "feel not-recording" in play(script, 9, since_s=8)


def test_no_room_before_the_press() -> None:
    script = """
        5 room 0
        10 press 0.1
        15 press 0.1
        20 function 0.1
        30 press 4
    """
    assert play(script, 40) == expect("""
          5.000 standby   log fault room-low
                          log fault room-very-low
                          log fault no-room
                          feel fault
                          light fault
         10.000 warning   pin -20
                          log act pressed, cannot record no-room,room-low,room-very-low
                          warn speaker
                          feel not-recording
                          light warning
         12.050 blocked   log act held in memory no-room,room-low,room-very-low
                          feel not-recording
                          light recording
         15.000 blocked   log act pressed, cannot record no-room,room-low,room-very-low
                          feel not-recording
         20.300 blocked   feel levels-4-0
         30.000 blocked   log act pressed, cannot record no-room,room-low,room-very-low
                          feel not-recording
         33.000 blocked   feel holding
         34.200 standby   unpin
                          log act stopped, nothing recorded
                          feel not-recording
                          light fault
    """)


def test_no_room_and_then_room() -> None:
    """Held as far as memory goes: the light goes out when it is spent; the gap is noted."""
    script = """
        5 room 0
        10 press 1.1
        12 drop
        13 drop
        30 room 90
    """
    assert play(script, 40) == expect("""
          5.000 standby   log fault room-low
                          log fault room-very-low
                          log fault no-room
                          feel fault
                          light fault
         10.000 warning   pin -20
                          log act pressed, cannot record no-room,room-low,room-very-low
                          warn speaker
                          feel not-recording
                          light warning
         11.000 blocked   log act held in memory no-room,room-low,room-very-low
                          feel not-recording
                          light recording
         12.000 blocked   log fault footage-dropped
                          feel not-recording
                          light fault
         30.000 recording log fault-cleared room-low
                          log fault-cleared room-very-low
                          log fault-cleared no-room
                          begin held: at 10, given -, before 30, by speaker
                          note faults footage-dropped
                          log gap 60
                          note gap 60
                          feel started+fault
                          light recording
    """)


def test_no_room_and_warn_only() -> None:
    script = """
        5 room 0
        10 function 0.1
    """
    assert play(script, 13) == expect("""
          5.000 standby   log fault room-low
                          log fault room-very-low
                          log fault no-room
                          feel fault
                          light fault
         10.300 warn only log act warned only
                          warn speaker
                          feel warned-only
                          light warning
         12.350 standby   light fault
    """)


def test_minutes_run_out_while_recording() -> None:
    """The last minute is used up; then a press is told that there is no room."""
    script = """
        1 press 1.1
        10 room 60
        20 room 15
        30 room 0
        40 press 4
        60 room 1
        70 room 2
    """
    assert play(script, 80, since_s=4) == expect("""
         10.000 recording log fault room-low
                          note fault room-low
                          feel fault
         20.000 recording log fault room-very-low
                          note fault room-very-low
                          feel fault
         43.000 recording feel holding
         44.200 after     until 44.2
                          force keyframe
                          log fault no-room
                          feel stopped+fault
                          light fault
         70.000 after     log fault-cleared no-room
                          light standby
         74.000 standby
    """)


def test_the_card_is_full_while_recording() -> None:
    script = """
        1 press 1.1
        10 broke full
        12 drop
        13 drop
        14 raise sound-lost
        15 room 0
        20 room 480
        21 saved
    """
    assert play(script, 25, since_s=4) == expect("""
         10.000 blocked   log broke full
                          log fault room-low
                          note fault room-low
                          log fault room-very-low
                          note fault room-very-low
                          log fault no-room
                          note fault no-room
                          log act held in memory no-room,room-low,room-very-low
                          feel not-recording
         12.000 blocked   log fault footage-dropped
                          note fault footage-dropped
                          feel not-recording
                          light fault
         14.000 blocked   log fault sound-lost
                          note fault sound-lost
                          feel fault
         20.000 recording log fault-cleared room-low
                          note fault-cleared room-low
                          log fault-cleared room-very-low
                          note fault-cleared room-very-low
                          log fault-cleared no-room
                          note fault-cleared no-room
                          begin continued: at 1, given -, before 30, by speaker
                          note faults footage-dropped,sound-lost
                          log gap 60
                          note gap 60
                          feel started+fault
                          light recording
         21.000 recording log fault-cleared footage-dropped
                          note fault-cleared footage-dropped
    """)


def test_stopped_while_the_card_is_full() -> None:
    script = """
        1 press 1.1
        10 broke full
        20 press 4
        30 room 480
    """
    assert play(script, 40, since_s=12) == expect("""
         20.000 blocked   log act pressed, cannot record no-room,room-low,room-very-low
                          feel not-recording
         23.000 blocked   feel holding
         24.200 after     until 24.2
                          force keyframe
                          feel stopped
                          light fault
         30.000 after     log fault-cleared room-low
                          log fault-cleared room-very-low
                          log fault-cleared no-room
                          begin continued: at 1, given -, before 30, by speaker
                          light standby
    """)


def test_pressed_again_while_a_full_card_waits() -> None:
    script = """
        1 press 1.1
        10 broke full
        20 press 4
        30 press 0.1
        40 room 480
    """
    assert play(script, 41, since_s=12) == expect("""
         20.000 blocked   log act pressed, cannot record no-room,room-low,room-very-low
                          feel not-recording
         23.000 blocked   feel holding
         24.200 after     until 24.2
                          force keyframe
                          feel stopped
                          light fault
         30.000 blocked   pin 0
                          log act pressed, cannot record no-room,room-low,room-very-low
                          warn speaker
                          log act held in memory no-room,room-low,room-very-low
                          feel not-recording
                          light recording
         40.000 recording log fault-cleared room-low
                          log fault-cleared room-very-low
                          log fault-cleared no-room
                          begin continued: at 1, given -, before 30, by speaker
                          begin linked: at 30, given -, before 30, by -
                          feel started
    """)


def test_gone_on_with_on_a_full_card() -> None:
    script = """
        1 press 1.1
        10 press 4
        16 broke full
        20 drop
        21 drop
        22 press 0.1
        30 room 480
    """
    assert play(script, 31, policy(post_record_s=30), since_s=12) == expect("""
         13.000 recording feel holding
         14.200 stopping  until 44.2
                          feel stopped
         16.000 stopping  log broke full
                          log fault room-low
                          note fault room-low
                          log fault room-very-low
                          note fault room-very-low
                          log fault no-room
                          note fault no-room
                          feel fault
         20.000 stopping  log fault footage-dropped
                          note fault footage-dropped
                          log gap 30
                          note gap 30
                          feel not-recording
                          light fault
         21.000 stopping  log gap 30
                          note gap 30
         22.000 blocked   until -
                          log act held in memory footage-dropped,no-room,room-low,room-very-low
                          feel not-recording
         30.000 recording log fault-cleared room-low
                          note fault-cleared room-low
                          log fault-cleared room-very-low
                          note fault-cleared room-very-low
                          log fault-cleared no-room
                          note fault-cleared no-room
                          begin continued: at 1, given -, before 30, by speaker
                          note faults footage-dropped
                          feel started
                          light recording
    """)


def test_a_write_error_goes_on_in_a_linked_recording() -> None:
    script = """
        1 press 1.1
        10 broke error
        20 broke error
        95 broke error
    """
    assert play(script, 100, since_s=4) == expect("""
         10.000 recording log broke error
                          begin continued: at 1, given -, before 30, by speaker
                          feel fault
         20.000 recording log broke error
                          begin continued: at 1, given -, before 30, by speaker
                          feel fault
         95.000 recording log broke error
                          begin continued: at 1, given -, before 30, by speaker
                          feel fault
    """)


def test_three_write_errors_are_a_card_that_does_not_work() -> None:
    script = """
        1 press 1.1
        10 broke error
        20 broke error
        30 broke error
        40 clear card-failed
        50 broke stream
    """
    assert play(script, 60, since_s=15) == expect("""
         20.000 recording log broke error
                          begin continued: at 1, given -, before 30, by speaker
                          feel fault
         30.000 blocked   log broke error
                          log fault card-failed
                          note fault card-failed
                          log act held in memory card-failed
                          feel not-recording
         40.000 recording log fault-cleared card-failed
                          note fault-cleared card-failed
                          begin continued: at 1, given -, before 30, by speaker
                          feel started
         50.000 recording log broke stream
                          begin continued: at 1, given -, before 30, by speaker
                          feel fault
    """)


def test_reminders_that_it_is_not_recording() -> None:
    script = """
        1 raise card-failed
        2 press 1.1
    """
    assert play(script, 125) == expect("""
          1.000 standby   log fault card-failed
                          feel fault
                          light fault
          2.000 warning   pin -28
                          log act pressed, cannot record card-failed
                          warn speaker
                          feel not-recording
                          light warning
          3.000 blocked   log act held in memory card-failed
                          feel not-recording
                          light recording
        123.000 blocked   feel not-recording
    """)


def test_broken_after_the_stop() -> None:
    script = """
        1 press 1.1
        10 press 4
        14.3 broke error
        20 broke full
        30 room 480
    """
    assert play(script, 40, since_s=12) == expect("""
         13.000 recording feel holding
         14.200 after     until 14.2
                          force keyframe
                          feel stopped
                          light standby
         14.300 after     log broke error
                          begin continued: at 1, given -, before 30, by speaker
                          feel fault
         20.000 after     log broke full
                          log fault room-low
                          log fault room-very-low
                          log fault no-room
                          feel fault
                          light fault
         30.000 after     log fault-cleared room-low
                          log fault-cleared room-very-low
                          log fault-cleared no-room
                          begin continued: at 1, given -, before 30, by speaker
                          light standby
    """)


def test_broken_in_the_pause() -> None:
    script = """
        1 press 1.1
        5 press 4
        10 function 3.5
        20 broke error
    """
    assert play(script, 30, since_s=12) == expect("""
         13.000 paused    log act pause
                          sleep
                          feel paused
                          light paused
         20.000 paused    log broke error
                          begin continued: at 1, given -, before 30, by speaker
                          feel fault
    """)


def test_a_slow_card_loses_footage() -> None:
    """Told at once, then at most every 30 s; noted in the recording before it ends."""
    script = """
        1 press 1.1
        10 raise card-stuck
        15 drop
        16 drop
        17 drop
        50 drop
        80.5 drop
        81 clear card-stuck
        82 press 4
        86.5 saved
    """
    assert play(script, 90, since_s=4) == expect("""
         10.000 recording log fault card-stuck
                          note fault card-stuck
                          feel fault
         15.000 recording log fault footage-dropped
                          note fault footage-dropped
                          log gap 30
                          note gap 30
                          feel not-recording
         45.000 recording log gap 60
                          note gap 60
                          feel not-recording
         75.000 recording log gap 30
                          note gap 30
                          feel not-recording
         81.000 recording log fault-cleared card-stuck
                          note fault-cleared card-stuck
         85.000 recording feel holding
         86.200 after     log gap 30
                          note gap 30
                          until 86.2
                          force keyframe
                          feel stopped
                          light standby
         86.500 after     log fault-cleared footage-dropped
    """)


def test_footage_lost_within_post_record() -> None:
    script = """
        1 press 1.1
        5 press 4
        10 drop
        11 drop
    """
    assert play(script, 30, policy(post_record_s=20), since_s=4) == expect("""
          8.000 recording feel holding
          9.200 stopping  until 29.2
                          feel stopped
         10.000 stopping  log fault footage-dropped
                          note fault footage-dropped
                          log gap 30
                          note gap 30
                          feel not-recording
         11.000 stopping  log gap 30
                          note gap 30
         29.200 after     force keyframe
                          light standby
    """)


def test_footage_lost_while_the_warning_is_given() -> None:
    script = """
        10 press 0.1
        11 drop
        11.5 drop
    """
    assert play(script, 13) == expect("""
         10.000 warning   pin -20
                          warn speaker
                          light warning
         11.000 warning   log fault footage-dropped
                          feel not-recording
         12.050 recording begin warned: at 10, given 12.05, before 30, by speaker
                          note faults footage-dropped
                          log gap 60
                          note gap 60
                          feel started+fault
                          light recording
    """)


def test_footage_lost_and_then_cancelled() -> None:
    script = """
        10 press 0.1
        10.5 drop
        10.6 function 1.2
        30 press 1.1
    """
    assert play(script, 32) == expect("""
         10.000 warning   pin -20
                          warn speaker
                          light warning
         10.500 warning   log fault footage-dropped
                          feel not-recording
         11.600 standby   log act cancelled
                          hush
                          unpin
                          log gap 30
                          feel cancelled
                          light standby
         30.000 warning   pin 0
                          warn speaker
                          light warning
         31.000 recording begin held: at 30, given -, before 30, by speaker
                          note faults footage-dropped
                          feel started
                          light recording
    """)


def test_a_ring_with_holes_matters_if_it_is_wanted() -> None:
    script = """
        10 drop
        11 drop
        60 press 1.1
        70 press 4
        105 drop
        106 press 1.1
    """
    assert play(script, 108, since_s=5) == expect("""
         10.000 standby   log fault footage-dropped
                          feel not-recording
         60.000 warning   log gap 60
                          pin 30
                          warn speaker
                          light warning
         61.000 recording begin held: at 60, given -, before 30, by speaker
                          note faults footage-dropped
                          feel started
                          light recording
         73.000 recording feel holding
         74.200 after     until 74.2
                          force keyframe
                          feel stopped
                          light standby
        104.000 standby
        106.000 warning   pin 76
                          warn speaker
                          light warning
        107.000 recording begin held: at 106, given -, before 30, by speaker
                          note faults footage-dropped
                          log gap 30
                          note gap 30
                          feel started+fault
                          light recording
    """)


def test_what_broke_first_goes_on_first() -> None:
    script = """
        1 press 1.1
        5 press 4
        9.3 raise no-room
        10 press 0.1
        11 broke full
        12 clear no-room
    """
    assert play(script, 12, since_s=9.25) == expect("""
         9.300 after     log fault no-room
                         feel fault
                         light fault
        10.000 blocked   pin -20
                         log act pressed, cannot record no-room
                         warn speaker
                         log act held in memory no-room
                         feel not-recording
                         light recording
        11.000 blocked   log broke full
                         log fault room-low
                         log fault room-very-low
                         feel fault
        12.000 recording log fault-cleared no-room
                         begin continued: at 1, given -, before 30, by speaker
                         begin linked: at 10, given -, before 30, by -
                         note faults room-low,room-very-low
                         feel started
    """)


def test_what_broke_goes_on_although_the_next_is_let_go() -> None:
    script = """
        1 press 1.1
        5 press 4
        9.3 raise no-room
        10 press 0.1
        11 broke full
        12 press 4
        20 clear no-room
    """
    assert play(script, 20, since_s=11) == expect("""
        11.000 blocked   log broke full
                         log fault room-low
                         log fault room-very-low
                         feel fault
        12.000 blocked   log act pressed, cannot record no-room,room-low,room-very-low
                         feel not-recording
        15.000 blocked   feel holding
        16.200 standby   unpin
                         log act stopped, nothing recorded
                         feel not-recording
                         light fault
        20.000 standby   log fault-cleared no-room
                         begin continued: at 1, given -, before 30, by speaker
                         light standby
    """)


# ---- battery and going off -----------------------------------------------------------------------


def test_a_battery_that_runs_down() -> None:
    script = """
        10 battery 21
        20 battery 20
        30 battery 22
        40 battery 25
        50 battery 4
        60 press 0.1
    """
    assert play(script, 70) == expect("""
         20.000 standby   log fault battery-low
                          feel fault
         40.000 standby   log fault-cleared battery-low
         50.000 off       log fault battery-low
                          log fault battery-critical
                          log shutdown battery standby
                          power off battery
                          feel fault
                          light off
    """)


def test_an_empty_battery_ends_a_recording() -> None:
    script = """
        1 press 1.1
        10 battery 4
    """
    assert play(script, 20, since_s=4) == expect("""
         10.000 off       log fault battery-low
                          note fault battery-low
                          log fault battery-critical
                          note fault battery-critical
                          log shutdown battery recording
                          until 10
                          power off battery
                          feel not-recording
                          light off
    """)


def test_an_empty_battery_charges_in_the_dock() -> None:
    script = """
        10 battery 3
        20 battery 8
        30 battery 3
        40 undock
    """
    assert play(script, 50, docked=True) == expect("""
         10.000 docked    log fault battery-low
                          say "De accu is bijna leeg."
                          log fault battery-critical
                          say "De accu is leeg."
                          feel fault
         20.000 docked    log fault-cleared battery-critical
         30.000 docked    log fault battery-critical
                          say "De accu is leeg."
                          feel fault
         40.000 off       wake
                          log shutdown battery standby
                          power off battery
                          light off
    """)


def test_off_in_the_warning() -> None:
    script = """
        10 press 0.1
        11 off button
    """
    assert play(script, 20, policy(text="U wordt gefilmd.")) == expect("""
         10.000 warning   pin -20
                          warn speaker "U wordt gefilmd."
                          light warning
         11.000 off       log shutdown button warning
                          hush
                          unpin
                          power off button
                          light off
    """)


def test_off_in_a_warning_only() -> None:
    script = """
        10 function 0.1
        11 off button
    """
    assert play(script, 20) == expect("""
         10.300 warn only log act warned only
                          warn speaker
                          feel warned-only
                          light warning
         11.000 off       log shutdown button warn only
                          hush
                          power off button
                          light off
    """)


def test_off_while_recording_and_broken_after_it() -> None:
    script = """
        1 press 1.1
        5 off button
        5.5 broke error
        5.6 drop
        6 broke full
    """
    assert play(script, 10, since_s=4) == expect("""
          5.000 off       log shutdown button recording
                          until 5
                          power off button
                          feel not-recording
                          light off
          5.500 off       log broke error
                          begin continued: at 1, given -, before 30, by speaker
                          feel fault
          5.600 off       log fault footage-dropped
                          log gap 30
                          feel not-recording
          6.000 off       log broke full
                          log fault room-low
                          log fault room-very-low
                          log fault no-room
                          feel fault
    """)


def test_off_while_stopping() -> None:
    script = """
        1 press 1.1
        5 press 4
        12 off button
    """
    assert play(script, 15, policy(post_record_s=20), since_s=4) == expect("""
          8.000 recording feel holding
          9.200 stopping  until 29.2
                          feel stopped
         12.000 off       log shutdown button stopping
                          until 12
                          power off button
                          feel not-recording
                          light off
    """)


def test_off_with_footage_that_was_never_opened() -> None:
    script = """
        1 raise card-failed
        2 press 1.1
        5 drop
        6 off button
    """
    assert play(script, 15) == expect("""
          1.000 standby   log fault card-failed
                          feel fault
                          light fault
          2.000 warning   pin -28
                          log act pressed, cannot record card-failed
                          warn speaker
                          feel not-recording
                          light warning
          3.000 blocked   log act held in memory card-failed
                          feel not-recording
                          light recording
          5.000 blocked   log fault footage-dropped
                          feel not-recording
                          light fault
          6.000 off       log shutdown button blocked
                          log gap 30
                          unpin
                          log unsaved 1
                          power off button
                          feel not-recording
                          light off
    """)


def test_off_in_the_pause() -> None:
    script = """
        10 function 3.5
        20 off button
    """
    assert play(script, 30, since_s=14) == expect("""
         20.000 off       log shutdown button paused
                          power off button
                          light off
    """)


def test_off_in_the_dock() -> None:
    script = """
        20 off button
    """
    assert play(script, 30, docked=True) == expect("""
         20.000 off       log shutdown button docked
                          power off button
                          light off
    """)
