export const killers = {};
