// SPDX-License-Identifier: MIT
#undef FIELD
#undef NAMED
#undef NAME
#undef ARRAY
#undef ROW
