/*
 * Power loss and disk faults at the k-th file operation of a process that knows nothing of them.
 *
 * Preloaded, it counts the operations that change a file below one directory, and at one of them
 * the power fails or the disk refuses. LevelDB writes through stdio, Node through write and pwrite:
 * all of them are hooked. Built by shim.ts:
 *
 *     gcc -O1 -shared -fPIC -o powerfail.so powerfail.c -ldl -lpthread
 *
 *     PF_DIR        directory under test; without it nothing is done
 *     PF_AT         the operation at which it happens; 0 never
 *     PF_MODE       kill: SIGKILL, what the kernel has is kept · drop: files end where they were
 *                   synced · torn: and a part of the rest · garbage: and that part is noise ·
 *                   eio, enospc: the operation fails
 *     PF_FOREVER    1: and so does each later one
 *     PF_SYNC_AT    this sync fails with EIO, once; what it should have written is lost at the power loss
 *     PF_LIE        1: syncs of the database say that it is durable, and it is not
 *     PF_SEED       of what is kept of a torn tail
 *     PF_COUNT      file that is told at the end: operations, syncs
 *     PF_CONTROL    file that is read at each operation: eio, enospc, erofs, delay <ms>, hang, or nothing
 *
 * A file is what its inode is; what a sync has seen of it is durable. A write to a file that was
 * opened with O_DSYNC is a sync as well. Renames and unlinks count as durable at once, and a write
 * into what is durable already as well, unless it is torn: the store writes so with O_DSYNC alone.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#undef fwrite_unlocked
#undef fflush_unlocked

#define FILES_MAX 4096
#define PATH_BYTES 4096
#define GARBAGE_BYTES 4096
#define POLL_US 2000

static char dir[PATH_BYTES];
static size_t dir_length;
static const char *mode = "none", *control, *count_file;
static long operations, syncs, fails_at, sync_fails_at;
static int forever, lies, ready;
static unsigned long long state = 0x9E3779B97F4A7C15ull;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
/* Bytes below `durable` survive, but for those from `lost` to `lost_end`: their sync failed. */
static struct file { ino_t inode; off_t durable, lost, lost_end; } files[FILES_MAX];
static int file_count;

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = dlsym(RTLD_NEXT, name)

static unsigned long draw(unsigned long below) { /* xorshift64 */
  state ^= state << 13; state ^= state >> 7; state ^= state << 17;
  return below ? state % below : 0;
}

static long number(const char *name) { char *value = getenv(name); return value ? atol(value) : 0; }
static int is(const char *which) { return strcmp(mode, which) == 0; }

static void init(void) {
  if (ready) return;
  ready = 1;
  char *path = getenv("PF_DIR");
  if (!path) return;
  snprintf(dir, sizeof dir, "%s/", path);
  dir_length = strlen(dir);
  if (getenv("PF_MODE")) mode = getenv("PF_MODE");
  control = getenv("PF_CONTROL"); count_file = getenv("PF_COUNT");
  fails_at = number("PF_AT"); sync_fails_at = number("PF_SYNC_AT");
  forever = number("PF_FOREVER") == 1; lies = number("PF_LIE") == 1;
  state ^= (unsigned long long)(number("PF_SEED") + 1) * 0xBF58476D1CE4E5B9ull;
  for (int i = 0; i < 9; i++) draw(1);
}

static int tracked_path(const char *path) {
  init();
  return dir_length && path && strncmp(path, dir, dir_length) == 0;
}

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, PATH_BYTES - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  return 1;
}

static int tracked(int fd) {
  char path[PATH_BYTES];
  init();
  return dir_length && fd > 2 && path_of(fd, path) && tracked_path(path);
}

static int synchronous(int fd) { return (fcntl(fd, F_GETFL) & O_DSYNC) != 0; }

static struct file *file_of(ino_t inode) {
  for (int i = 0; i < file_count; i++) if (files[i].inode == inode) return &files[i];
  if (file_count == FILES_MAX) abort();
  files[file_count] = (struct file){ .inode = inode };
  return &files[file_count++];
}

static void sync_ended(int fd, int failed) {
  struct stat st;
  char path[PATH_BYTES];
  if (fstat(fd, &st) || !S_ISREG(st.st_mode)) return;
  if (lies && path_of(fd, path) && strstr(path, "/db/")) return;
  pthread_mutex_lock(&mutex);
  struct file *file = file_of(st.st_ino);
  if (failed && st.st_size > file->durable) { file->lost = file->durable; file->lost_end = st.st_size; }
  if (st.st_size > file->durable && !failed) file->durable = st.st_size;
  pthread_mutex_unlock(&mutex);
}

static void forget(const char *path) { /* another file may get its inode */
  struct stat st;
  if (stat(path, &st)) return;
  pthread_mutex_lock(&mutex);
  *file_of(st.st_ino) = (struct file){ .inode = st.st_ino };
  pthread_mutex_unlock(&mutex);
}

static void fill(int fd, off_t from, off_t to, int noise) {
  for (off_t at = from; at < to; at++) {
    char byte = noise && !draw(3) ? (char)draw(256) : 0;
    if (pwrite(fd, &byte, 1, at) != 1) return;
  }
}

static void cut_back(const char *path, off_t size, const struct file *file) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) return;
  off_t durable = file->durable < size ? file->durable : size, keep = durable;
  if (!is("drop")) keep += (off_t)draw((unsigned long)(size - durable) + 1);
  if (ftruncate(fd, keep)) perror("powerfail: truncate");
  if (file->lost_end > file->lost) fill(fd, file->lost, file->lost_end < keep ? file->lost_end : keep, 0);
  if (is("garbage") && keep > durable) {
    off_t from = durable + (off_t)draw((unsigned long)(keep - durable));
    fill(fd, from, keep < from + GARBAGE_BYTES ? keep : from + GARBAGE_BYTES, 1);
  }
  close(fd);
}

static void lose(const char *folder) {
  DIR *d = opendir(folder);
  struct dirent *entry;
  char path[2 * PATH_BYTES];
  while (d && (entry = readdir(d))) {
    struct stat st;
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || !strcmp(entry->d_name, "LOCK")) continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (lstat(path, &st)) continue;
    if (S_ISDIR(st.st_mode)) lose(path);
    else if (S_ISREG(st.st_mode)) cut_back(path, st.st_size, file_of(st.st_ino));
  }
  if (d) closedir(d);
}

static void obey(int is_sync, int *error) { /* what the control file says now */
  char text[32];
  for (;;) {
    int fd = open(control, O_RDONLY);
    if (fd < 0) return;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    if (!strncmp(text, "eio", 3)) *error = EIO;
    else if (!strncmp(text, "enospc", 6)) *error = ENOSPC;
    else if (!strncmp(text, "erofs", 5)) *error = EROFS;
    else if (is_sync && !strncmp(text, "delay ", 6)) usleep((useconds_t)atol(text + 6) * 1000);
    else if (is_sync && !strncmp(text, "hang", 4)) { usleep(POLL_US); continue; }
    return;
  }
}

/* Counts an operation, and gives the error that it fails with or 0. `torn` writes a part of it first. */
static int fault(int is_sync, int fd, const void *data, size_t size, off_t at) {
  pthread_mutex_lock(&mutex);
  long now = ++operations, sync = is_sync ? ++syncs : 0;
  int error = 0, due = fails_at > 0 && (now == fails_at || (forever && now > fails_at));
  if (due && is("eio")) error = EIO;
  else if (due && is("enospc")) error = ENOSPC;
  else if (due && !is("none")) {
    if (data && size > 1 && (is("torn") || is("garbage")) && pwrite(fd, data, draw(size), at) < 0) perror("powerfail");
    if (!is("kill")) lose(dir);
    kill(getpid(), SIGKILL); /* with the mutex held: no other thread gets past its next operation */
    for (;;) pause();
  }
  if (is_sync && sync == sync_fails_at) error = EIO;
  pthread_mutex_unlock(&mutex);
  if (control) obey(is_sync, &error);
  if (error) errno = error;
  return error;
}

size_t fwrite_unlocked(const void *data, size_t size, size_t n, FILE *f) {
  REAL(size_t, "fwrite_unlocked", const void *, size_t, size_t, FILE *);
  return tracked(fileno(f)) && fault(0, -1, NULL, 0, 0) ? 0 : real(data, size, n, f);
}
int fflush_unlocked(FILE *f) {
  REAL(int, "fflush_unlocked", FILE *);
  return f && tracked(fileno(f)) && fault(0, -1, NULL, 0, 0) ? EOF : real(f);
}
ssize_t write(int fd, const void *data, size_t n) {
  REAL(ssize_t, "write", int, const void *, size_t);
  return tracked(fd) && fault(0, -1, NULL, 0, 0) ? -1 : real(fd, data, n);
}
static ssize_t write_at(int fd, const void *data, size_t n, off_t at, ssize_t (*real)(int, const void *, size_t, off64_t)) {
  if (!tracked(fd)) return real(fd, data, n, at);
  int durably = synchronous(fd);
  if (fault(durably, fd, durably ? data : NULL, n, at)) return -1;
  ssize_t written = real(fd, data, n, at);
  if (durably && written >= 0) sync_ended(fd, 0);
  return written;
}
/* Within this file pwrite is the real one: what the power failure writes is not counted. */
static ssize_t pwrite_real(int fd, const void *data, size_t n, off64_t at) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  return real(fd, data, n, at);
}
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) { return write_at(fd, data, n, at, pwrite_real); }
int rename(const char *from, const char *to) {
  REAL(int, "rename", const char *, const char *);
  return tracked_path(to) && fault(0, -1, NULL, 0, 0) ? -1 : real(from, to);
}
int unlink(const char *path) {
  REAL(int, "unlink", const char *);
  if (!tracked_path(path)) return real(path);
  if (fault(0, -1, NULL, 0, 0)) return -1;
  forget(path);
  return real(path);
}
static int sync_with(int fd, int (*real)(int)) {
  if (!tracked(fd)) return real(fd);
  int failed = fault(1, -1, NULL, 0, 0) || real(fd);
  int error = errno;
  sync_ended(fd, failed);
  errno = error;
  return failed ? -1 : 0;
}
int fdatasync(int fd) { REAL(int, "fdatasync", int); return sync_with(fd, real); }
int fsync(int fd) { REAL(int, "fsync", int); return sync_with(fd, real); }

__attribute__((destructor)) static void tell(void) {
  FILE *f = count_file ? fopen(count_file, "w") : NULL;
  if (!f) return;
  fprintf(f, "%ld %ld\n", operations, syncs);
  fclose(f);
}
