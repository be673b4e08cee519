/* What the files of one small program share. */
#ifndef USER_H
#define USER_H
#ifdef __cplusplus
extern "C" {
#endif
int first(void);
int second(void);
int third(void);
#ifdef __cplusplus
}
#endif
#endif
