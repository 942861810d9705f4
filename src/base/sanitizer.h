/*
 * sanitizer.h: whether this build has AddressSanitizer, which reserves terabytes of address space,
 * traces the process when it ends and makes a crash take seconds. gcc and clang say it differently.
 */
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ADDRESS_SANITIZER 1
#endif
#endif
#ifndef WITH_ADDRESS_SANITIZER
#define WITH_ADDRESS_SANITIZER 0
#endif
