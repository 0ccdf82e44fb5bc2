// Stands in for tools/include/linux/zalloc.h: internal/rc_check.h includes it and, without
// reference-count checking, uses nothing of it.
