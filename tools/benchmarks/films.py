# SPDX-License-Identifier: LGPL-2.1-or-later
"""Films to play: two minutes of noise at 20 Mbit/s, so that they are much larger than any read-ahead. Made once, kept beside the build."""

from . import accounting

SECONDS = 120
FRAMES_PER_SECOND = 25
KEYFRAMES = 2 * FRAMES_PER_SECOND
BITRATE = 20000000
VIDEO = "videotestsrc pattern=snow num-buffers=%d ! video/x-raw,format=I420,width=640,height=360,framerate=%d/1" % (
    SECONDS * FRAMES_PER_SECOND, FRAMES_PER_SECOND)
AUDIO = "audiotestsrc wave=ticks num-buffers=%d samplesperbuffer=1920 ! audio/x-raw,rate=48000,channels=2 ! audioconvert" % (SECONDS * FRAMES_PER_SECOND)
H264 = "%s ! x264enc speed-preset=ultrafast bitrate=%d key-int-max=%d ! h264parse ! tee name=v  %s ! avenc_aac ! aacparse ! tee name=a" % (
    VIDEO, BITRATE // 1000, KEYFRAMES, AUDIO)
VP8 = "%s ! vp8enc deadline=1 cpu-used=8 threads=2 target-bitrate=%d keyframe-max-dist=%d ! queue ! m.  %s ! opusenc ! queue ! m." % (
    VIDEO, BITRATE, KEYFRAMES, AUDIO)
# name: the muxer
MUXERS = {"front.mp4": "mp4mux faststart=true", "end.mp4": "mp4mux", "film.mkv": "matroskamux"}
QUEUE = "queue max-size-time=0 max-size-bytes=0 max-size-buffers=0"
NAMES = [*MUXERS, "film.webm"]


def make(folder, env, said):
    """Returns {name: path}."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / name for name in NAMES}
    if not all(paths[name].exists() for name in MUXERS):
        said("making films in H.264")
        branches = ["%s name=%s ! filesink location=%s  v. ! %s ! %s.  a. ! %s ! %s." % (
            muxer, mark(name), partial(paths[name]), QUEUE, mark(name), QUEUE, mark(name)) for name, muxer in MUXERS.items()]
        launch(H264 + "  " + "  ".join(branches), env)
        for name in MUXERS:
            partial(paths[name]).rename(paths[name])
    if not paths["film.webm"].exists():
        said("making a film in VP8")
        launch("webmmux name=m ! filesink location=%s  %s" % (partial(paths["film.webm"]), VP8), env)
        partial(paths["film.webm"]).rename(paths["film.webm"])
    return paths


def mark(name):
    return name.replace(".", "-")


def partial(path):
    return path.with_name(path.name + ".partial")


def launch(description, env):
    accounting.run(["gst-launch-1.0", "-q", *description.split()], env, timeout=1800)
