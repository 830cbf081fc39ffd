// The first process of every pod's sandbox: it holds the pod's namespaces, and does nothing. As process 1 of a pod whose
// containers see each other's processes, it also collects those whose parent is gone.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int signal) { _exit(signal == SIGINT || signal == SIGTERM ? 0 : 1); }

static void collect(int signal) {
  (void)signal;
  while (waitpid(-1, 0, WNOHANG) > 0) {
  }
}

int main(void) {
  struct sigaction on_end = {.sa_handler = end};
  struct sigaction on_child = {.sa_handler = collect, .sa_flags = SA_NOCLDSTOP};
  if (sigaction(SIGINT, &on_end, 0) != 0 || sigaction(SIGTERM, &on_end, 0) != 0) return 1;
  if (sigaction(SIGCHLD, &on_child, 0) != 0) return 1;
  for (;;) pause();
}
