mod arithmetic;
mod delays;
mod slots;
