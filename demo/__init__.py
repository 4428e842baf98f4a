"""The product at work on one machine: its servers, a mail catcher, and the main job from empty to
learning."""
