// SPDX-License-Identifier: GPL-2.0
/* The passes as functions of Python, for numpy's columns. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "columns.h"

#define MOST_COLUMNS 16
#define MOST_NUMBERS 4

/*
 * layout has for each column the size of its elements, and r or w: it is read, or
 * written. Numbers follow the columns.
 */
static PyObject *run(PyObject *args, const char *layout, int numbers,
		     pass_fn pass)
{
	Py_buffer buffers[MOST_COLUMNS];
	struct column columns[MOST_COLUMNS];
	uint64_t values[MOST_NUMBERS] = { 0 };
	Py_ssize_t wanted = (Py_ssize_t)strlen(layout) / 2, held = 0;
	PyObject *answer = NULL;
	ptrdiff_t made;

	if (PyTuple_Size(args) != wanted + numbers) {
		PyErr_Format(PyExc_TypeError, "%zd arguments are wanted",
			     wanted + numbers);
		return NULL;
	}
	for (; held < wanted; held++) {
		Py_buffer *buffer = &buffers[held];
		Py_ssize_t size = layout[2 * held] - '0';
		int flags = layout[2 * held + 1] == 'w' ? PyBUF_WRITABLE
							: PyBUF_SIMPLE;

		if (PyObject_GetBuffer(PyTuple_GetItem(args, held), buffer,
				       flags) < 0)
			goto release;
		/* The words of a sub-buffer, the first column, may lie anywhere. */
		if (buffer->len % size ||
		    (held && (uintptr_t)buffer->buf % (size_t)size)) {
			PyErr_Format(PyExc_ValueError,
				     "column %zd has other elements", held);
			held++;
			goto release;
		}
		columns[held].data = buffer->buf;
		columns[held].count = (size_t)(buffer->len / size);
	}
	for (int index = 0; index < numbers; index++) {
		values[index] = PyLong_AsUnsignedLongLong(
			PyTuple_GetItem(args, wanted + index));
		if (PyErr_Occurred())
			goto release;
	}
	Py_BEGIN_ALLOW_THREADS;
	made = pass(columns, values);
	Py_END_ALLOW_THREADS;
	answer = made == LEFT ? Py_NewRef(Py_None) : PyLong_FromSsize_t(made);
release:
	while (held)
		PyBuffer_Release(&buffers[--held]);
	return answer;
}

#define RECORDS "8r8r1r8r1r2r4r4r"

#define PASS(name, layout, numbers, pass)                     \
	static PyObject *name(PyObject *self, PyObject *args) \
	{                                                     \
		(void)self;                                   \
		return run(args, layout, numbers, pass);      \
	}

PASS(fill_records, "8r8w8w1w2w1w4w4w8w", 3, tracectl_records_fill)
PASS(find_records, "1r1r8w", 0, tracectl_records_find)
PASS(find_near, "1r4r8r8w8w", 0, tracectl_calls_near)
PASS(split_calls, RECORDS "8r8r8r1r8w8w1w8w", 0, tracectl_calls_split)
PASS(take_arguments, RECORDS "8r2r8w", 0, tracectl_arguments_take)
PASS(arrange, "8r8r8w", 0, tracectl_order_arrange)
PASS(match, "8r8r1r8w8w", 0, tracectl_order_match)
PASS(tally, "8r1r8r8r8r8w8w8w", 0, tracectl_tally_add)

/*
 * The memory of columns that are made and dropped again and again stays with the
 * process: to give it back and to fault it in takes longer than what is done with it.
 */
static PyObject *keep_memory(PyObject *self, PyObject *args)
{
	(void)self;
	(void)args;
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
	{ "fill_records", fill_records, METH_VARARGS, NULL },
	{ "find_records", find_records, METH_VARARGS, NULL },
	{ "find_near", find_near, METH_VARARGS, NULL },
	{ "split_calls", split_calls, METH_VARARGS, NULL },
	{ "take_arguments", take_arguments, METH_VARARGS, NULL },
	{ "arrange", arrange, METH_VARARGS, NULL },
	{ "match", match, METH_VARARGS, NULL },
	{ "keep_memory", keep_memory, METH_NOARGS, NULL },
	{ "tally", tally, METH_VARARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

static struct PyModuleDef module = {
	PyModuleDef_HEAD_INIT,
	.m_name = "_walk",
	.m_methods = methods,
};

PyMODINIT_FUNC PyInit__walk(void)
{
	return PyModuleDef_Init(&module);
}
