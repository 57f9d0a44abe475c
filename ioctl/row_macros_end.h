// SPDX-License-Identifier: MIT
#undef FIELD
#undef NAMED
#undef NAME
#undef ARRAY
#undef ROW
#undef ROW_OF_SIZE
#undef TAKES_FD
#undef GIVES_FD
