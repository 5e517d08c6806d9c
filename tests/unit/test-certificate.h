/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A certificate for localhost and 127.0.0.1 with its key, valid from 2020 to 2120. For tests only:
 * the key is no secret. */
#define TEST_CERTIFICATE \
  "-----BEGIN CERTIFICATE-----\n" \
  "MIIBZzCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv\n" \
  "c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM\n" \
  "CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJk94OVQKvWWt5GQ\n" \
  "W+7FU/OwgGa9Ea3SH5VvKkxTsoV2ePFYrc1L93Tt5akS5FZ7Rai4OFJe4yYW0tmB\n" \
  "ia9CbwWjTjBMMA8GA1UdEwEB/wQFMAMBAf8wGgYDVR0RBBMwEYcEfwAAAYIJbG9j\n" \
  "YWxob3N0MB0GA1UdDgQWBBRmH1iC/E/xUt38jRm2zgeXlOhnAjAKBggqhkjOPQQD\n" \
  "AgNIADBFAiBVtkmr2mgDlKXgWmghRlY3s2x+Xp6+NEjXWh2VF/WEnAIhAMSXL83c\n" \
  "kISBOtR1xfDfOgx9QixxS4A3rd7xhWfi9+no\n" \
  "-----END CERTIFICATE-----\n" \
  "-----BEGIN PRIVATE KEY-----\n" \
  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQjIiOdu6PkKnKpW6\n" \
  "BdAw2+FZYqEWqsj03VRMZxg4o/ahRANCAASZPeDlUCr1lreRkFvuxVPzsIBmvRGt\n" \
  "0h+VbypMU7KFdnjxWK3NS/d07eWpEuRWe0WouDhSXuMmFtLZgYmvQm8F\n" \
  "-----END PRIVATE KEY-----\n"
