/*
 * A machine that was suspended, as one process sees it: its monotonic clock stood still, and the wall
 * clock did not. Built by shim.ts and preloaded; SUSPEND_FILE holds the ns, as int64 of this machine,
 * that it stood still for so far.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL

static int (*real)(clockid_t, struct timespec *);
static volatile int64_t *stood_still;

__attribute__((constructor)) static void init(void) {
  char *path = getenv("SUSPEND_FILE");
  int fd = path ? open(path, O_RDONLY) : -1;
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof *stood_still, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) stood_still = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, time);
  int stops = clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_MONOTONIC_RAW;
  if (result != 0 || !stops || !stood_still) return result;
  int64_t ns = time->tv_sec * NS_PER_S + time->tv_nsec - *stood_still;
  time->tv_sec = ns / NS_PER_S;
  time->tv_nsec = ns % NS_PER_S;
  return 0;
}
