/* class_table.h: the nibble tables of class.h, shared by the vector back ends. */
#pragma once

/*
 * Bits of low[byte & 15] & high[byte >> 4]:
 *     0  - .     high 2, low D E         3  P..Z p..z   high 5 7, low <= A
 *     1  0..9    high 3, low <= 9        4  _           high 5, low F
 *     2  A..O a..o   high 4 6, low >= 1  5  A..F a..f   high 4 6, low 1..6
 */
#define CLASS_LOW                                                                                  \
    0x0a, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x0e, 0x0e, 0x0e, 0x0c, 0x04, 0x04, 0x05, 0x05, 0x14
#define CLASS_HIGH 0, 0, 0x01, 0x02, 0x24, 0x18, 0x24, 0x08, 0, 0, 0, 0, 0, 0, 0, 0

#define CLASS_HOST_BITS 0x1f
#define CLASS_HEX_BITS 0x22
#define CLASS_DIGIT_BITS 0x02
