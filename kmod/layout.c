// SPDX-License-Identifier: GPL-2.0
/* How ENTRY records lie, from the shapes of the calls. */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "layout.h"
#include "session.h"

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

int tracectl_layouts_read(struct tracectl_session *session, u64 user_shapes)
{
	const unsigned int count = TRACECTL_SLOTS - 1;
	const struct tracectl_shape unknown = { .args = 6, .wide = 0x3f };
	struct tracectl_shape *shapes;
	int i, err = 0;

	session->layouts = vzalloc(TRACECTL_SLOTS * sizeof(*session->layouts));
	if (!session->layouts)
		return -ENOMEM;
	shapes = vmemdup_user(u64_to_user_ptr(user_shapes),
			      count * sizeof(*shapes));
	if (IS_ERR(shapes))
		return PTR_ERR(shapes);
	for (i = 0; i < count && !err; i++)
		err = layout_of(&session->layouts[i], &shapes[i],
				i % TRACECTL_SHAPES |
					i / TRACECTL_SHAPES
						<< TRACECTL_NR_BITS);
	kvfree(shapes);
	return err ?: layout_of(&session->layouts[count], &unknown, 0);
}
