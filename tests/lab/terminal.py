"""A terminal without a screen: runs a command whose standard error is one, and says what a person would have seen.

terminal.py [--columns N] [--then N] [--journal] [--both] COMMAND...: N columns, and others from the first line on that is
drawn; --both makes it standard output as well. Prints one JSON object: the lines that are on the screen at the end, those
that were drawn and taken away again (drawn), whether there were colours, and the exit status. With --journal standard
error is a pipe that JOURNAL_STREAM names, and the lines are those that came through it.
"""
import argparse
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios

parser = argparse.ArgumentParser()
parser.add_argument("--columns", type=int, default=100)
parser.add_argument("--then", type=int)
parser.add_argument("--journal", action="store_true")
parser.add_argument("--both", action="store_true")
parser.add_argument("command", nargs=argparse.REMAINDER)
options = parser.parse_args()


def resize(columns):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


master, slave = os.pipe() if options.journal else pty.openpty()
environment = dict(os.environ)
if options.journal:
    status = os.fstat(slave)
    environment["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
else:
    resize(options.columns)
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST  # a line end is what the command wrote
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
process = subprocess.Popen(options.command, stderr=slave, stdout=slave if options.both else None, env=environment)
os.close(slave)

received = b""
while True:
    try:
        some = os.read(master, 65536)
    except OSError:  # all have closed it
        break
    if not some:
        break
    received += some
    if options.then and b"\033[K" in received:
        resize(options.then)
process.wait()

text = received.decode()
plain = re.sub("\033\\[[0-9;]*m", "", text)
unknown = re.sub("\r\033\\[K", "", plain)
assert "\033" not in unknown and "\r" not in unknown, repr(unknown)
lines, standing = [""], []
for piece in re.split("(\r\033\\[K|\n)", plain):
    if piece == "\n":
        lines.append("")
    elif piece == "\r\033[K":
        standing.append(lines[-1])
        lines[-1] = ""
    else:
        lines[-1] += piece
drawn = [line for line in standing if line]
print(json.dumps({"lines": lines, "drawn": drawn, "coloured": plain != text, "status": process.returncode}))
