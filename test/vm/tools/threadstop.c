// SPDX-License-Identifier: BSD-3-Clause
//
// usage: threadstop <pid> <lcore>
// Stops the thread of an EAL process's worker lcore, as a debugger would, until its own standard
// input ends. Says "stopped", and at the end "goes on". SIGSTOP would stop the whole process.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

// From DPDK 23.11 on (ce703c47de) EAL's threads have other names.
static int is_worker(const char *name, const char *lcore) {
    char before[64], since[64];
    snprintf(before, sizeof before, "rte-worker-%s", lcore);
    snprintf(since, sizeof since, "dpdk-worker%s", lcore);
    return strcmp(name, before) == 0 || strcmp(name, since) == 0;
}

static pid_t find_worker(const char *pid, const char *lcore) {
    char path[600];
    snprintf(path, sizeof path, "/proc/%s/task", pid);
    DIR *tasks = opendir(path);
    if (tasks == NULL)
        return -1;
    pid_t found = -1;
    for (struct dirent *task; found < 0 && (task = readdir(tasks)) != NULL;) {
        char comm[64] = "";
        snprintf(path, sizeof path, "/proc/%s/task/%s/comm", pid, task->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue;
        if (fgets(comm, sizeof comm, file) != NULL) {
            comm[strcspn(comm, "\n")] = '\0';
            if (is_worker(comm, lcore))
                found = (pid_t)strtol(task->d_name, NULL, 10);
        }
        fclose(file);
    }
    closedir(tasks);
    return found;
}

int main(int count, char **arguments) {
    if (count != 3) {
        fprintf(stderr, "usage: threadstop <pid> <lcore>\n");
        return 2;
    }
    const pid_t thread = find_worker(arguments[1], arguments[2]);
    if (thread < 0) {
        fprintf(stderr, "threadstop: process %s has no thread of worker lcore %s\n", arguments[1],
                arguments[2]);
        return 1;
    }
    int status = 0;
    if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) != 0 ||
        ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0 ||
        waitpid(thread, &status, __WALL) != thread) {
        fprintf(stderr, "threadstop: thread %d: %s\n", (int)thread, strerror(errno));
        return 1;
    }
    puts("stopped");
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    if (ptrace(PTRACE_DETACH, thread, NULL, NULL) != 0) {
        fprintf(stderr, "threadstop: %s\n", strerror(errno));
        return 1;
    }
    puts("goes on");
    return 0;
}
