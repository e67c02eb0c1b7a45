// SPDX-License-Identifier: BSD-3-Clause
//
// usage: threadstop <pid> <lcore> [caller called]
// Stops the thread of an EAL process's worker lcore, as a debugger would, until its own standard
// input ends. Says "stopped", and at the end "goes on". SIGSTOP would stop the whole process.
// With two libraries (parts of their paths) it stops the thread where one next calls the other.
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
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

struct code {
    unsigned long begin, end;
};

// Where a library's code is in the process.
static int find_code(const char *pid, const char *library, struct code *code) {
    char path[600], line[600], access[8];
    snprintf(path, sizeof path, "/proc/%s/maps", pid);
    FILE *maps = fopen(path, "r");
    if (maps == NULL)
        return -1;
    int found = -1;
    while (found != 0 && fgets(line, sizeof line, maps) != NULL) {
        if (strstr(line, library) != NULL &&
            sscanf(line, "%lx-%lx %7s", &code->begin, &code->end, access) == 3 &&
            strchr(access, 'x') != NULL)
            found = 0;
    }
    fclose(maps);
    if (found != 0)
        fprintf(stderr, "threadstop: process %s has not loaded %s\n", pid, library);
    return found;
}

static int contains(const struct code *code, unsigned long address) {
    return address >= code->begin && address < code->end;
}

// Lets a stopped thread go on, one instruction at a time, until one piece of code calls the other.
static int step_to_call(pid_t thread, const struct code *caller, const struct code *called) {
    for (int in_caller = 0;;) {
        struct user_regs_struct registers;
        if (ptrace(PTRACE_GETREGS, thread, NULL, &registers) != 0)
            return -1;
        if (in_caller && contains(called, registers.rip))
            return 0;
        in_caller = contains(caller, registers.rip);
        int status = 0, pass_on = 0;
        do {
            if (ptrace(PTRACE_SINGLESTEP, thread, NULL, (void *)(long)pass_on) != 0 ||
                waitpid(thread, &status, __WALL) != thread || !WIFSTOPPED(status))
                return -1;
            pass_on = WSTOPSIG(status);
            if (pass_on != SIGTRAP) // its handler is no call
                in_caller = 0;
        } while (pass_on != SIGTRAP);
    }
}

int main(int count, char **arguments) {
    if (count != 3 && count != 5) {
        fprintf(stderr, "usage: threadstop <pid> <lcore> [caller called]\n");
        return 2;
    }
    struct code caller, called;
    if (count == 5 && (find_code(arguments[1], arguments[3], &caller) != 0 ||
                       find_code(arguments[1], arguments[4], &called) != 0))
        return 1;
    const pid_t thread = find_worker(arguments[1], arguments[2]);
    if (thread < 0) {
        fprintf(stderr, "threadstop: process %s has no thread of worker lcore %s\n", arguments[1],
                arguments[2]);
        return 1;
    }
    int status = 0;
    if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) != 0 ||
        ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0 ||
        waitpid(thread, &status, __WALL) != thread ||
        (count == 5 && step_to_call(thread, &caller, &called) != 0)) {
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
