/* An audit hook below Python: no object of it is seen by gc, no name of it can be replaced, its state is in this file's statics.
 *
 * After arm(paths) it refuses, in every interpreter of this process:
 *   - what would change one of `paths` (the same events as avakill/hardening/sentry.py, decided on its own);
 *   - writing the memory of a process through /proc;
 *   - ctypes and cffi: their import, every ctypes.* event, and what of them was already loaded;
 *   - gc.get_objects, gc.get_referrers, gc.get_referents;
 *   - replacing the code of a function, and making code objects from parts.
 *
 * It does not hold native code that is loaded as an extension module, bytecode by hand (marshal), a debugger, or a child
 * process: docs/hardening.md.
 *
 * Not abi3: PySys_AddAuditHook is not part of the limited API (CPython 3.11 to 3.14).
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef F_GETPATH
#define DESCRIPTORS "/dev/fd"
#else
#define DESCRIPTORS "/proc/self/fd"
#endif
#define LINKS 40 /* as many as Linux follows: path_resolution(7) */
#define NONE (-1)

enum { FREE = 0, PROTECTED = 1, UNKNOWN = 2 };

typedef struct {
    dev_t device;
    ino_t inode;
    const char *name;
} Identity;

/* What is protected, sorted. Arming again makes a new one; the old one is never freed, as another thread may read it. */
typedef struct {
    size_t count;
    char **names;
    size_t identified;
    Identity *identities;
} Places;

static Places nothing;
static Places *volatile places = &nothing;
static volatile int armed;
static volatile int reached;

#define PROBE "avakill.hardening.probe"

/* ---- protected places ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_number(const void *a, const void *b)
{
    const Identity *x = a, *y = b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return x->inode < y->inode ? -1 : x->inode > y->inode;
}

static int is_name(const Places *known, const char *name)
{
    return known->count && bsearch(&name, known->names, known->count, sizeof(char *), by_text) != NULL;
}

/* `real` is a protected place or below one. */
static int is_covered(const Places *known, const char *real)
{
    int found = is_name(known, "/");
    char *text = strdup(real);
    if (text == NULL)
        return 1;
    for (char *slash; !found && *text; *slash = '\0') {
        found = is_name(known, text);
        slash = strrchr(text, '/');
        if (slash == NULL)
            break;
    }
    free(text);
    return found;
}

/* A protected place is below `real`. */
static int is_above(const Places *known, const char *real)
{
    size_t length = strcmp(real, "/") == 0 ? 0 : strlen(real);
    for (size_t i = 0; i < known->count; i++)
        if (strncmp(known->names[i], real, length) == 0 && known->names[i][length] == '/')
            return 1;
    return 0;
}

/* File systems give numbers anew: the protected file must have it now. */
static int is_same(const Places *known, const struct stat *seen)
{
    Identity wanted = {seen->st_dev, seen->st_ino, NULL};
    struct stat now;
    if (known->identified == 0)
        return 0;
    const Identity *found = bsearch(&wanted, known->identities, known->identified, sizeof wanted, by_number);
    return found != NULL && lstat(found->name, &now) == 0 && now.st_dev == seen->st_dev && now.st_ino == seen->st_ino;
}

/* /proc/N/mem, /proc/N/task/N/mem */
static int is_memory(const char *real)
{
    if (strncmp(real, "/proc/", 6) != 0)
        return 0;
    real += 6 + strspn(real + 6, "0123456789");
    if (strncmp(real, "/task/", 6) == 0)
        real += 6 + strspn(real + 6, "0123456789");
    return strcmp(real, "/mem") == 0;
}

/* ---- paths ---- */

static int is_absent(int error)
{
    return error == ENOENT || error == ENOTDIR;
}

static char *join(const char *base, const char *text)
{
    size_t one = strlen(base), two = strlen(text);
    char *joined = malloc(one + two + 2);
    if (joined == NULL)
        return NULL;
    memcpy(joined, base, one);
    joined[one] = '/';
    memcpy(joined + one + 1, text, two + 1);
    return joined;
}

/* The directory entry that an absolute path names, its directories real; NULL with errno. To be freed. */
static char *entry_of(const char *path)
{
    char *text = strdup(path), *parent, *entry;
    if (text == NULL)
        return NULL;
    size_t end = strlen(text);
    while (end > 1 && text[end - 1] == '/')
        text[--end] = '\0';
    char *slash = strrchr(text, '/');
    const char *base = slash + 1;
    if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0) {
        entry = realpath(text, NULL);
        free(text);
        return entry;
    }
    *slash = '\0';
    parent = realpath(*text ? text : "/", NULL);
    entry = parent == NULL ? NULL : join(strcmp(parent, "/") == 0 ? "" : parent, base);
    free(parent);
    free(text);
    return entry;
}

/* Where the link `entry` leads, one step; NULL where it is none. To be freed. */
static char *step_of(const char *entry)
{
    char target[PATH_MAX + 1];
    ssize_t length = readlink(entry, target, PATH_MAX);
    if (length < 0)
        return NULL;
    target[length] = '\0';
    if (target[0] == '/')
        return strdup(target);
    char *parent = strdup(entry);
    if (parent == NULL)
        return NULL;
    *strrchr(parent, '/') = '\0';
    char *step = join(parent, target);
    free(parent);
    return step;
}

static int judge_entry(const Places *known, const char *real, int removes)
{
    struct stat seen;
    if (is_covered(known, real) || is_memory(real) || (removes && is_above(known, real)))
        return PROTECTED;
    if (lstat(real, &seen) == 0) {
        if (is_same(known, &seen))
            return PROTECTED;
    } else if (!is_absent(errno)) {
        return UNKNOWN;
    }
    char *parent = strdup(real);
    if (parent == NULL)
        return UNKNOWN;
    char *slash = strrchr(parent, '/');
    slash[slash == parent] = '\0';
    int inside = lstat(parent, &seen) == 0 && is_same(known, &seen);
    free(parent);
    return inside ? PROTECTED : FREE;
}

/* What a change of the absolute `path` would touch; with `follows` a link at its end is followed. */
static int judge_path(const char *path, int follows, int removes)
{
    const Places *known = places;
    struct stat seen;
    size_t length = strlen(path);
    follows = follows || (length && path[length - 1] == '/');
    if (follows && stat(path, &seen) == 0 && is_same(known, &seen))
        return PROTECTED;
    char *next = strdup(path);
    for (int links = 0; next != NULL && links <= LINKS; links++) {
        char *entry = entry_of(next);
        free(next);
        if (entry == NULL)
            return is_absent(errno) ? FREE : UNKNOWN;
        int verdict = judge_entry(known, entry, removes);
        next = verdict == FREE && follows ? step_of(entry) : NULL;
        free(entry);
        if (next == NULL)
            return verdict;
    }
    free(next);
    return UNKNOWN;
}

/* The place of an open descriptor; NULL where it has none. To be freed. */
static char *place_of(int descriptor)
{
    char target[PATH_MAX + 1];
#ifdef F_GETPATH
    if (fcntl(descriptor, F_GETPATH, target) < 0)
        return NULL;
#else
    char name[64];
    snprintf(name, sizeof name, DESCRIPTORS "/%d", descriptor);
    ssize_t length = readlink(name, target, PATH_MAX);
    if (length < 0)
        return NULL;
    target[length] = '\0';
#endif
    return strdup(target);
}

static int judge_below(char *base, const char *text, int follows, int removes)
{
    if (base == NULL)
        return UNKNOWN;
    char *path = join(base, text);
    free(base);
    int verdict = path == NULL ? UNKNOWN : judge_path(path, follows, removes);
    free(path);
    return verdict;
}

static int judge_at(const char *text, int directory, int follows, int removes)
{
    if (text[0] == '/')
        return judge_path(text, follows, removes);
    return judge_below(directory < 0 ? getcwd(NULL, 0) : place_of(directory), text, follows, removes);
}

static int judge_descriptor(int descriptor)
{
    struct stat seen;
    if (fstat(descriptor, &seen) != 0)
        return FREE; /* the call itself says so */
    if (is_same(places, &seen))
        return PROTECTED;
    char *place = place_of(descriptor);
    int verdict = place == NULL ? UNKNOWN : place[0] == '/' ? judge_path(place, 1, 0) : FREE;
    free(place);
    return verdict;
}

/* `open` does not tell its dir_fd: it can be any directory that is open now. */
static int judge_anywhere(const char *text)
{
    DIR *all = opendir(DESCRIPTORS);
    if (all == NULL)
        return UNKNOWN;
    int verdict = FREE;
    for (struct dirent *one; verdict == FREE && (one = readdir(all)) != NULL;) {
        struct stat seen;
        int descriptor = atoi(one->d_name);
        if (one->d_name[0] != '.' && descriptor != dirfd(all) && fstat(descriptor, &seen) == 0 && S_ISDIR(seen.st_mode))
            verdict = judge_at(text, descriptor, 1, 0);
    }
    closedir(all);
    return verdict;
}

/* ---- events ---- */

/* The bytes of a path argument: a new reference, or NULL where they cannot be known (no exception is left). */
static PyObject *text_of(PyObject *path)
{
    PyObject *text = NULL;
    if (PyUnicode_Check(path))
        text = PyUnicode_EncodeFSDefault(path);
    else if (PyBytes_Check(path))
        text = PyBytes_FromStringAndSize(PyBytes_AS_STRING(path), PyBytes_GET_SIZE(path));
    if (text == NULL || strlen(PyBytes_AS_STRING(text)) != (size_t)PyBytes_GET_SIZE(text)) {
        PyErr_Clear();
        Py_XDECREF(text);
        return NULL;
    }
    return text;
}

static PyObject *argument(PyObject *args, int index)
{
    return index >= 0 && PyTuple_Check(args) && index < PyTuple_GET_SIZE(args) ? PyTuple_GET_ITEM(args, index) : NULL;
}

static int number(PyObject *value, int *into)
{
    if (value == NULL || !PyLong_CheckExact(value))
        return 0;
    long read = PyLong_AsLong(value);
    if (read == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    *into = (int)read;
    return read >= INT_MIN && read <= INT_MAX;
}

static int judge_argument(PyObject *path, PyObject *directory, int follows, int removes)
{
    int descriptor, base = NONE;
    if (path == NULL)
        return UNKNOWN;
    if (number(path, &descriptor))
        return judge_descriptor(descriptor);
    if (directory != NULL && directory != Py_None && !number(directory, &base))
        return UNKNOWN;
    PyObject *text = text_of(path);
    if (text == NULL)
        return UNKNOWN;
    int verdict = judge_at(PyBytes_AS_STRING(text), base, follows, removes);
    Py_DECREF(text);
    return verdict;
}

/* 1 where the mode has a letter that writes; a mode of another type counts as one. */
static int mode_writes(PyObject *mode)
{
    if (mode == NULL || mode == Py_None)
        return 0;
    const char *text = PyUnicode_Check(mode) ? PyUnicode_AsUTF8(mode) : NULL;
    PyErr_Clear();
    return text == NULL || strpbrk(text, "wax+") != NULL;
}

static int judge_open(PyObject *args)
{
    PyObject *path = argument(args, 0), *mode = argument(args, 1);
    int flags, descriptor;
    if (path == NULL)
        return UNKNOWN;
    if (number(argument(args, 2), &flags) && !(flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) && !mode_writes(mode))
        return FREE;
    if (number(path, &descriptor))
        return FREE; /* a descriptor gains no right by being wrapped */
    int verdict = judge_argument(path, NULL, 1, 0);
    if (verdict != FREE || mode != Py_None)
        return verdict;
    PyObject *text = text_of(path);
    if (text == NULL)
        return UNKNOWN;
    if (PyBytes_AS_STRING(text)[0] != '/')
        verdict = judge_anywhere(PyBytes_AS_STRING(text));
    Py_DECREF(text);
    return verdict;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : NONE;
}

/* The path of a `file:` URI, in place. */
static char *uri_path(char *uri)
{
    char *path = uri + 5, *out;
    path[strcspn(path, "?#")] = '\0';
    if (strncmp(path, "//", 2) == 0)
        path += 2 + strcspn(path + 2, "/");
    out = path;
    for (char *in = path; *in; in++, out++) {
        int escaped = in[0] == '%' && hex_digit(in[1]) >= 0 && hex_digit(in[2]) >= 0;
        *out = escaped ? (char)(hex_digit(in[1]) * 16 + hex_digit(in[2])) : *in;
        in += escaped ? 2 : 0;
    }
    *out = '\0';
    return path;
}

/* SQLite takes a name, or a URI where it is told to, which the event does not say. */
static int judge_database(PyObject *database)
{
    PyObject *plain = database == NULL ? NULL : PyOS_FSPath(database);
    PyObject *text = plain == NULL ? NULL : text_of(plain);
    int verdict = UNKNOWN;
    PyErr_Clear();
    Py_XDECREF(plain);
    if (text == NULL)
        return UNKNOWN;
    char *name = PyBytes_AS_STRING(text); /* ours alone: text_of made it */
    verdict = *name == '\0' || strcmp(name, ":memory:") == 0 ? FREE : judge_at(name, NONE, 1, 0);
    if (verdict == FREE && strncmp(name, "file:", 5) == 0)
        verdict = judge_at(uri_path(name), NONE, 1, 0);
    Py_DECREF(text);
    return verdict;
}

static int judge_socket(PyObject *address)
{
    PyObject *text;
    if (address == NULL || !(PyUnicode_Check(address) || PyBytes_Check(address)))
        return FREE;
    text = text_of(address);
    if (text == NULL)
        return FREE; /* an abstract name begins with NUL */
    int verdict = judge_at(PyBytes_AS_STRING(text), NONE, 0, 0);
    Py_DECREF(text);
    return verdict;
}

/* What is in the tree raises events of its own: this one is early, so that nothing is half removed. */
static int judge_tree(PyObject *root, PyObject *directory)
{
    PyObject *plain = root == NULL ? NULL : PyOS_FSPath(root);
    int verdict = plain == NULL ? FREE : judge_argument(plain, directory, 0, 1);
    PyErr_Clear();
    Py_XDECREF(plain);
    return verdict;
}

static const struct {
    const char *event;
    int path, directory, follows, removes;
} targets[] = {
    {"os.remove", 0, 1, 0, 1},      {"os.rmdir", 0, 1, 0, 1},       {"os.rename", 0, 2, 0, 1},  {"os.rename", 1, 3, 0, 1},
    {"os.link", 0, 2, 1, 0},        {"os.link", 1, 3, 0, 0},        {"os.symlink", 1, 2, 0, 0}, {"os.mkdir", 0, 2, 0, 0},
    {"os.truncate", 0, NONE, 1, 0}, {"os.chmod", 0, 2, 1, 0},       {"os.chown", 0, 3, 1, 0},   {"os.chflags", 0, NONE, 1, 0},
    {"os.utime", 0, 3, 1, 0},       {"os.setxattr", 0, NONE, 1, 0}, {"os.removexattr", 0, NONE, 1, 0},
};

static int judge_change(const char *event, PyObject *args)
{
    if (strcmp(event, "open") == 0)
        return judge_open(args);
    if (strcmp(event, "sqlite3.connect") == 0)
        return judge_database(argument(args, 0));
    if (strcmp(event, "socket.bind") == 0)
        return judge_socket(argument(args, 1));
    if (strcmp(event, "fcntl.ioctl") == 0)
        return judge_argument(argument(args, 0), NULL, 1, 0);
    if (strcmp(event, "shutil.rmtree") == 0)
        return judge_tree(argument(args, 0), argument(args, 1));
    if (strncmp(event, "os.", 3) != 0)
        return FREE;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        if (strcmp(event, targets[i].event) != 0)
            continue;
        PyObject *path = argument(args, targets[i].path), *directory = argument(args, targets[i].directory);
        int verdict = judge_argument(path, directory, targets[i].follows, targets[i].removes);
        if (verdict != FREE)
            return verdict;
    }
    return FREE;
}

static const char *const foreign[] = {"ctypes", "_ctypes", "cffi", "_cffi_backend", "_testcapi", "_testinternalcapi", "_testlimitedcapi", NULL};

static int is_foreign(PyObject *name)
{
    const char *text = name != NULL && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    if (text == NULL) {
        PyErr_Clear();
        return 0;
    }
    const char *dot = strrchr(text, '.');
    size_t first = strcspn(text, ".");
    for (size_t i = 0; foreign[i] != NULL; i++)
        if ((strlen(foreign[i]) == first && strncmp(text, foreign[i], first) == 0) || (dot != NULL && strcmp(dot + 1, foreign[i]) == 0))
            return 1;
    return 0;
}

static int is_surgery(const char *event, PyObject *args)
{
    PyObject *name = argument(args, 1);
    if (strcmp(event, "code.__new__") == 0)
        return 1;
    return strcmp(event, "object.__setattr__") == 0 && name != NULL && PyUnicode_Check(name) &&
           PyUnicode_CompareWithASCIIString(name, "__code__") == 0;
}

static int refuse(const char *event, const char *why)
{
    PyObject *text = PyUnicode_FromFormat("avakill refuses %s: %s", event, why);
    PyObject *error = text == NULL ? NULL : PyObject_CallFunction(PyExc_PermissionError, "iN", EACCES, text);
    if (error != NULL)
        PyErr_SetObject(PyExc_PermissionError, error);
    Py_XDECREF(error);
    return -1;
}

static int hook(const char *event, PyObject *args, void *unused)
{
    (void)unused;
    switch (event[0]) {
    case 'c':
        if (strncmp(event, "ctypes.", 7) == 0)
            return refuse(event, "native calls are shut in a hardened process");
        return is_surgery(event, args) ? refuse(event, "code objects are not made from parts in a hardened process") : 0;
    case 'g':
        if (strcmp(event, "gc.get_objects") == 0 || strcmp(event, "gc.get_referrers") == 0 || strcmp(event, "gc.get_referents") == 0)
            return refuse(event, "introspection is shut in a hardened process");
        return 0;
    case 'i':
        if (strcmp(event, "import") == 0 && is_foreign(argument(args, 0))) {
            /* As if it were not there: many programs do without. */
            PyErr_Format(PyExc_ImportError, "avakill refuses the import of %R: native calls are shut in a hardened process", argument(args, 0));
            return -1;
        }
        return 0;
    case 'a':
        if (strcmp(event, PROBE) == 0)
            reached = 1;
        return 0;
    case 'o':
        if (is_surgery(event, args))
            return refuse(event, "code is not replaced in a hardened process");
        break;
    case 'f':
    case 's':
        break;
    default:
        return 0;
    }
    switch (judge_change(event, args)) {
    case FREE:
        return 0;
    case PROTECTED:
        return refuse(event, "protected");
    default:
        return refuse(event, "what would be changed cannot be told");
    }
}

/* ---- what was loaded before ---- */

static PyObject *refuse_call(PyObject *self, PyObject *args, PyObject *keywords)
{
    (void)self, (void)args, (void)keywords;
    PyErr_SetString(PyExc_PermissionError, "avakill refuses: native calls are shut in a hardened process");
    return NULL;
}

static PyObject *refuse_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    return refuse_call((PyObject *)type, args, keywords);
}

static PyMethodDef refusal = {"refused", (PyCFunction)(void (*)(void))refuse_call, METH_VARARGS | METH_KEYWORDS, "Shut."};

/* No more objects of the type and of those below it, and no calls of those that there are. */
static int shut_type(PyTypeObject *type)
{
    PyObject *below = PyObject_CallMethod((PyObject *)&PyType_Type, "__subclasses__", "O", type);
    if (below == NULL)
        return -1;
    type->tp_new = refuse_new;
    if (type->tp_call != NULL)
        type->tp_call = refuse_call;
    PyType_Modified(type);
    int failed = 0;
    for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(below); i++)
        failed = shut_type((PyTypeObject *)PyList_GET_ITEM(below, i));
    Py_DECREF(below);
    return failed;
}

/* Every function of a namespace replaced, but those whose name begins with an underscore. */
static int shut_namespace(PyObject *namespace)
{
    PyObject *stub = PyCFunction_New(&refusal, NULL), *keys = PyDict_Keys(namespace);
    int failed = stub == NULL || keys == NULL;
    for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(keys); i++) {
        PyObject *key = PyList_GET_ITEM(keys, i), *value = PyDict_GetItemWithError(namespace, key);
        if (value == NULL || !PyCallable_Check(value) || PyType_Check(value) || PyUnicode_READ_CHAR(key, 0) == '_')
            continue;
        failed = PyDict_SetItem(namespace, key, stub);
    }
    Py_XDECREF(stub);
    Py_XDECREF(keys);
    return failed ? -1 : 0;
}

static int shut_ctypes(PyObject *module)
{
    PyObject *simple = PyObject_GetAttrString(module, "_SimpleCData");
    if (simple == NULL)
        return -1;
    int failed = shut_type(((PyTypeObject *)simple)->tp_base);
    Py_DECREF(simple);
    return failed;
}

static int shut_cffi(PyObject *module)
{
    PyObject *type = PyObject_GetAttrString(module, "FFI");
    if (type == NULL)
        return -1;
    int failed = shut_namespace(((PyTypeObject *)type)->tp_dict) || shut_type((PyTypeObject *)type) || shut_namespace(PyModule_GetDict(module));
    Py_DECREF(type);
    return failed ? -1 : 0;
}

static int shut_loaded(void)
{
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed */
    PyObject *ctypes = PyDict_GetItemString(modules, "_ctypes"), *cffi = PyDict_GetItemString(modules, "_cffi_backend");
    if (ctypes != NULL && PyModule_Check(ctypes) && shut_ctypes(ctypes) < 0)
        return -1;
    return cffi != NULL && PyModule_Check(cffi) ? shut_cffi(cffi) : 0;
}

/* ---- the module ---- */

/* All that was known and `more` absolute paths (bytes), sorted. */
static Places *grown(const Places *old, PyObject *more)
{
    Py_ssize_t added = PyList_GET_SIZE(more);
    size_t most = old->count + (size_t)added;
    Places *new = calloc(1, sizeof *new);
    if (new == NULL || (new->names = calloc(most + 1, sizeof(char *))) == NULL || (new->identities = calloc(most + 1, sizeof(Identity))) == NULL)
        goto failed; /* a leak of a few bytes, once */
    for (size_t i = 0; i < most; i++) {
        struct stat seen;
        char *name = i < old->count ? old->names[i] : strdup(PyBytes_AS_STRING(PyList_GET_ITEM(more, (Py_ssize_t)(i - old->count))));
        if (name == NULL)
            goto failed;
        new->names[new->count++] = name;
        if (lstat(name, &seen) == 0)
            new->identities[new->identified++] = (Identity){seen.st_dev, seen.st_ino, name};
    }
    qsort(new->names, new->count, sizeof(char *), by_text);
    qsort(new->identities, new->identified, sizeof(Identity), by_number);
    return new;
failed:
    PyErr_NoMemory();
    return NULL;
}

/* The real entry of an absolute path given as an object; NULL with an exception. */
static PyObject *real_entry(PyObject *path)
{
    PyObject *text, *real;
    if (!PyUnicode_FSConverter(path, &text))
        return NULL;
    char *entry = PyBytes_AS_STRING(text)[0] == '/' ? entry_of(PyBytes_AS_STRING(text)) : NULL;
    if (entry == NULL && is_absent(errno) && PyBytes_AS_STRING(text)[0] == '/')
        entry = strdup(PyBytes_AS_STRING(text)); /* its directory is not there yet */
    real = entry == NULL ? NULL : PyBytes_FromString(entry);
    free(entry);
    Py_DECREF(text);
    if (real == NULL && !PyErr_Occurred())
        PyErr_Format(PyExc_ValueError, "not an absolute path that can be read: %R", path);
    return real;
}

static PyObject *arm(PyObject *module, PyObject *paths)
{
    (void)module;
    PyObject *all = PySequence_List(paths), *reals = NULL;
    if (all == NULL)
        return NULL;
    reals = PyList_New(0);
    for (Py_ssize_t i = 0; reals != NULL && i < PyList_GET_SIZE(all); i++) {
        PyObject *real = real_entry(PyList_GET_ITEM(all, i));
        if (real == NULL || PyList_Append(reals, real) < 0)
            Py_CLEAR(reals);
        Py_XDECREF(real);
    }
    Py_DECREF(all);
    Places *new = reals == NULL ? NULL : grown(places, reals);
    Py_XDECREF(reals);
    if (new == NULL)
        return NULL;
    places = new;
    if (shut_loaded() < 0)
        return NULL;
    if (!armed && PySys_AddAuditHook(hook, NULL) < 0)
        return NULL;
    reached = 0;
    if (PySys_Audit(PROBE, NULL) < 0)
        return NULL;
    armed = reached;
    if (!armed) {
        PyErr_SetString(PyExc_RuntimeError, "another audit hook keeps ours out");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *is_active(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return PyBool_FromLong(armed);
}

PyDoc_STRVAR(arm_doc, "arm(paths, /)\n--\n\nProtect absolute paths from now on, and shut ctypes, cffi and gc's introspection. More paths can be added.");
PyDoc_STRVAR(is_active_doc, "is_active()\n--\n\nWhether the hooks were armed in this process.");
PyDoc_STRVAR(module_doc, "Audit hooks at C level, which Python code can neither see nor take out. What they do not hold: docs/hardening.md.");

static PyMethodDef methods[] = {
    {"arm", arm, METH_O, arm_doc},
    {"is_active", is_active, METH_NOARGS, is_active_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "avakill.hardening._hooks", module_doc, -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__hooks(void)
{
    return PyModule_Create(&definition);
}
