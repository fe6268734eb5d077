# Runs a program on a terminal of its own: terminal.py COLUMNS WHEN SIGNALS PROGRAM... Once WHEN has been shown, the
# program gets the signals (INT or TERM,INT), all at one moment. Prints all that the program has written, and ends as it
# does.
import fcntl, os, pty, signal, struct, sys, termios

columns, when, names = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3].split(',') if sys.argv[3] else []
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    os.execvp(sys.argv[4], sys.argv[4:])
shown = b''
while True:
    try:
        piece = os.read(fd, 4096)
    except OSError:
        break  # the program has closed its terminal
    if not piece:
        break
    shown += piece
    if names and when in shown:
        for name in ['STOP', *names, 'CONT']:
            os.kill(pid, getattr(signal, 'SIG' + name))
        names = []
sys.stdout.buffer.write(shown)
sys.stdout.flush()
status = os.waitpid(pid, 0)[1]
if os.WIFSIGNALED(status):
    signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
    os.kill(os.getpid(), os.WTERMSIG(status))
sys.exit(os.WEXITSTATUS(status))
