/* A checkpoint that axl-cp copies in the background, from a C program: fork, exec, and the exit statuses.
 * usage: checkpoint CHECKPOINT DEST STATE_FILE */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PUBLISHED = 0, FAILED = 1, NOT_COMPLETE = 3, CANNOT_RUN = 127 };

/* Runs a program and waits for it. Returns its exit status, or CANNOT_RUN if it was killed or could not be started. */
static int run(char *const argv[]) {
  const pid_t child = fork();
  if (child < 0) {
    fprintf(stderr, "fork: %s\n", strerror(errno));
    return CANNOT_RUN;
  }
  if (child == 0) {
    execvp(argv[0], argv);
    fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
    _exit(CANNOT_RUN);
  }
  int status;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return CANNOT_RUN;
  return WIFEXITED(status) ? WEXITSTATUS(status) : CANNOT_RUN;
}

/* Returns when the plan is on the disk; a process of axl-cp's own copies from then on. */
static int dispatch(char *source, char *dest, char *state) {
  char *argv[] = {"axl-cp", "-r", "--background", "--name", "ckpt", "-S", state, "--", source, dest, NULL};
  return run(argv);
}

static int wait_for(char *state) {
  char *argv[] = {"axl-cp", "--wait", state, NULL};
  return run(argv);
}

static int resume(char *state) {
  char *argv[] = {"axl-cp", "-S", state, "-U", NULL};
  return run(argv);
}

static void compute(void) { sleep(0); }

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: %s CHECKPOINT DEST STATE_FILE\n", argv[0]);
    return 2;
  }
  int status = dispatch(argv[1], argv[2], argv[3]);
  if (status != PUBLISHED) return status;
  compute();
  status = wait_for(argv[3]);
  if (status == FAILED || status == NOT_COMPLETE) status = resume(argv[3]);
  if (status == PUBLISHED) puts("published");
  return status;
}
