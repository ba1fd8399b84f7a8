/* SPDX-License-Identifier: MIT */
/**
 * @file output_file.c
 * A temporary file beside the target and a rename, where the target is a
 * regular file or not there yet.
 */
#include "output_file.h"

#include "command_line.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40 };

/** Follows symbolic links also to where there is nothing yet; realpath() would
 *  not. False, with errno, if it cannot be told. */
static bool follow(const char *path, char target[PATH_MAX]) {
    size_t length = strlen(path);
    errno = ENAMETOOLONG;
    if (length >= PATH_MAX) {
        return false;
    }
    memcpy(target, path, length + 1);
    for (int i = 0; i < LINKS_MAX; i++) {
        char link[PATH_MAX];
        ssize_t link_length = readlink(target, link, sizeof(link) - 1);
        if (link_length < 0) {
            return errno == EINVAL || errno == ENOENT; /* no link; nothing there */
        }
        link[link_length] = '\0';
        const char *slash = strrchr(target, '/');
        size_t folder = link[0] == '/' || slash == NULL ? 0 : (size_t)(slash - target) + 1;
        errno = ENAMETOOLONG;
        if (folder + (size_t)link_length >= PATH_MAX) {
            return false;
        }
        memcpy(target + folder, link, (size_t)link_length + 1);
    }
    errno = ELOOP;
    return false;
}

/** Whether a descriptor of ours leads to this file. Devices do not count: that
 *  both are /dev/null, or a terminal, means nothing. */
static bool is_behind(int descriptor, const struct stat *found) {
    struct stat ours;
    return !S_ISCHR(found->st_mode) && fstat(descriptor, &ours) == 0 &&
           ours.st_dev == found->st_dev && ours.st_ino == found->st_ino;
}

/** Writes through stdout or stderr itself: a pipe has only one end for us, and a
 *  file has lines in it already. Returns 0 or an error number. */
static int take_standard(struct command_output *output, const struct stat *found) {
    int standard = is_behind(STDOUT_FILENO, found) ? STDOUT_FILENO : STDERR_FILENO;
    output->is_direct = true;
    output->descriptor = fcntl(standard, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (output->descriptor < 0) {
        return errno;
    }
    if (standard == STDOUT_FILENO &&
        (fflush(stdout) != 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)) {
        return errno;
    }
    return 0;
}

/** For what is to be replaced: makes the temporary file, and takes it away. */
static int try_beside(struct command_output *output) {
    snprintf(output->temporary, sizeof(output->temporary), "%s.%ld.tmp", output->target,
             (long)getpid());
    int file = open(output->temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (file < 0) {
        return errno;
    }
    close(file);
    return unlink(output->temporary) == 0 ? 0 : errno;
}

/** Returns 0 or why it cannot be written. */
static int find_way(struct command_output *output) {
    struct stat found;
    errno = ENOENT;
    if (output->path[0] == '\0') {
        return ENOENT;
    }
    if (stat(output->path, &found) != 0) {
        return errno == ENOENT && follow(output->path, output->target) ? try_beside(output) : errno;
    }
    if (S_ISDIR(found.st_mode)) {
        return EISDIR;
    }
    if (is_behind(STDOUT_FILENO, &found) || is_behind(STDERR_FILENO, &found)) {
        return take_standard(output, &found);
    }
    if (access(output->path, W_OK) != 0) {
        return errno;
    }
    output->is_direct = !S_ISREG(found.st_mode) || found.st_nlink == 0;
    if (output->is_direct) {
        return S_ISSOCK(found.st_mode) ? ENXIO : 0;
    }
    return follow(output->path, output->target) ? try_beside(output) : errno;
}

void command_output_prepare(struct command_output *output, const char *option, const char *path) {
    output->path = path;
    output->target[0] = output->temporary[0] = '\0';
    output->is_direct = false;
    output->descriptor = -1;
    output->stream = NULL;
    int error = path != NULL ? find_way(output) : 0;
    if (error != 0) {
        command_refuse("%s '%s' cannot be written: %s; name another file", option, path,
                       strerror(error));
    }
}

FILE *command_output_open(struct command_output *output) {
    if (output->descriptor >= 0) {
        output->stream = fdopen(output->descriptor, "w");
    } else {
        output->stream = fopen(output->is_direct ? output->path : output->temporary, "we");
    }
    if (output->is_direct) {
        signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error like others */
    }
    return output->stream;
}

bool command_output_close(struct command_output *output, bool is_complete) {
    int error = 0;
    bool is_written = output->stream != NULL && is_complete && !ferror(output->stream) &&
                      fflush(output->stream) == 0;
    if (!is_written) {
        error = errno;
    }
    if (output->stream != NULL && fclose(output->stream) != 0 && is_written) {
        error = errno;
        is_written = false;
    }
    output->stream = NULL;
    if (is_written && (output->is_direct || rename(output->temporary, output->target) == 0)) {
        return true;
    }
    if (is_written) { /* all that is missing is the name */
        command_complain("'%s' cannot be replaced: %s; '%s' has what was to be in it", output->path,
                         strerror(errno), output->temporary);
        return false;
    }
    command_complain("'%s' cannot be written: %s", output->path,
                     error != 0 ? strerror(error) : "the result cannot be made; is memory short?");
    if (!output->is_direct) {
        unlink(output->temporary);
    }
    return false;
}
