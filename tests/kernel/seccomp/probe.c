/* Makes the system calls of its arguments and prints what each returned: [i:]NUMBER[,ARG]... where an ARG with @ in
   front is a string. With i: in front the call goes through the 32-bit door. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *low;

static long text(const char *from) {
    char *at = low;
    strcpy(at, from);
    low += strlen(from) + 1;
    return (long)at;
}

#ifdef __x86_64__
static long narrow(long n, long a, long b, long c, long d) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(n), "b"(a), "c"(b), "d"(c), "S"(d) : "memory", "r8", "r9", "r10", "r11");
    return result;
}
#endif

int main(int count, char **words) {
    /* below 4 GB for the 32-bit door, at no fixed address: since Linux 6.9 a static program's heap begins anywhere in its first GB */
    low = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (low == MAP_FAILED)
        return 1;
    for (int i = 1; i < count; i++) {
        long a[7] = {0}, result;
        int n = 0, is_narrow = strncmp(words[i], "i:", 2) == 0;
        char *rest = strdup(words[i] + (is_narrow ? 2 : 0));
        for (char *p = strtok(rest, ","); p && n < 7; p = strtok(NULL, ","))
            a[n++] = *p == '@' ? text(p + 1) : (long)strtoull(p, NULL, 0);
#ifdef __x86_64__
        if (is_narrow) {
            result = (int)narrow(a[0], a[1], a[2], a[3], a[4]);
            printf("%s %ld\n", words[i], result);
            continue;
        }
#endif
        result = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
        printf("%s %ld\n", words[i], result < 0 ? -(long)errno : result);
    }
    return 0;
}
