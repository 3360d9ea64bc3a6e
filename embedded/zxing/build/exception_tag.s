# The tag by which C++ exceptions are thrown; the runtime library of this
# target, built without exceptions, lacks it.
	.globl	__cpp_exception
	.tagtype	__cpp_exception i32
__cpp_exception:
