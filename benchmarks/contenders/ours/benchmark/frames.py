"""Frames of the benchmark."""

from realtime.frames import ClientFrame, Frame


class Say(ClientFrame, tag="benchmark.say"):
    text: str


class SayInThread(ClientFrame, tag="benchmark.say_in_thread"):
    text: str


class Heard(Frame, tag="benchmark.heard"):
    text: str
