"""What happens when: events, the state machine, cues and policy. Pure: time is passed in."""
