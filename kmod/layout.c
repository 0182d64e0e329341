// SPDX-License-Identifier: GPL-2.0
/* How the ENTRY of each system call looks. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "layout.h"
#include "stream.h"

/* @id as an ENTRY's. */
static int layout_of(struct tracectl_layout *layout,
		     const struct tracectl_shape *shape, u16 id)
{
	unsigned int offset = sizeof(struct tracectl_record);
	int i;

	if (shape->args > ARRAY_SIZE(layout->offset) ||
	    shape->wide >> ARRAY_SIZE(layout->offset))
		return -EINVAL;
	for (i = 0; i < shape->args; i++) {
		layout->offset[i] = offset;
		offset += shape->wide & BIT(i) ? sizeof(u64) : sizeof(u32);
	}
	layout->args = shape->args;
	layout->bytes = round_up(offset, TRACECTL_GRANULE);
	layout->head = TRACECTL_HEAD(TRACECTL_KIND_ENTRY, id,
				     layout->bytes / TRACECTL_GRANULE - 1);
	return 0;
}

/*
 * Those of a session, by slot, from the shapes of its owner; vfree() them, also after
 * an error.
 */
int tracectl_layouts_read(struct tracectl_layout **layouts, u64 user_shapes)
{
	const unsigned int count = TRACECTL_SLOTS - 1;
	const struct tracectl_shape unknown = { .args = 6, .wide = 0x3f };
	struct tracectl_shape *shapes;
	int i, err = 0;

	*layouts = vzalloc(TRACECTL_SLOTS * sizeof(**layouts));
	if (!*layouts)
		return -ENOMEM;
	shapes = vmemdup_user(u64_to_user_ptr(user_shapes),
			      count * sizeof(*shapes));
	if (IS_ERR(shapes))
		return PTR_ERR(shapes);
	for (i = 0; i < count && !err; i++)
		err = layout_of(&(*layouts)[i], &shapes[i],
				i % TRACECTL_SHAPES |
					i / TRACECTL_SHAPES
						<< TRACECTL_NR_BITS);
	kvfree(shapes);
	return err ?: layout_of(&(*layouts)[count], &unknown, 0);
}
